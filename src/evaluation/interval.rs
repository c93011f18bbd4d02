//! How far a share may be off, for the number of cases it was counted on.

/// Wilson's score interval (1927) of a share, with 95 % confidence: lowest and highest. From 0 to
/// 1 if there are no cases.
#[must_use]
pub fn wilson_interval(share: f64, cases: u64) -> (f64, f64) {
    /// The 97.5 % quantile of the standard normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if cases == 0 {
        return (0.0, 1.0);
    }
    let n = cases as f64;
    let middle = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // statsmodels.stats.proportion.proportion_confint(45, 50, method="wilson")
        let (low, high) = wilson_interval(0.9, 50);
        assert!((low - 0.786_398).abs() < 1e-5 && (high - 0.956_524).abs() < 1e-5, "{low} {high}");
        assert_eq!(wilson_interval(0.0, 0), (0.0, 1.0));
        assert!(wilson_interval(1.0, 10).1 > 0.999_999);
    }
}
