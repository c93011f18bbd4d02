//! What other thresholds would give.

use maud::{Markup, Render, html};

use super::super::curves::ThresholdCurve;
use super::{EvaluationReport, grid, percent, section};
use crate::model::ClassIndex;
use crate::report::{
    Axis, Column, LineChart, LineShape, NumberFormat, Section, Series, Table, Tone,
};

/// How many false alarms a miss is as dear as, in the table of costs.
const COST_RATIOS: [f64; 6] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0];

impl EvaluationReport<'_> {
    pub(super) fn thresholds(&self) -> Section {
        let language = self.language;
        let mut parts = vec![self.precision_recall()];
        let table = self.most_severe().map(|class| {
            let curve = ThresholdCurve::of(class, self.scored);
            parts.push(self.cost_curve(class, &curve));
            self.cost_table(class, &curve)
        });
        section(
            "thresholds",
            language.pick("阈值与代价", "Thresholds and costs"),
            language.pick(
                "左图：阈值越低，找到的越多（召回率），误报也越多（精确率下降）；括号里是平均精确率。\
                 右图：横轴从左到右，漏报越来越贵；模型曲线越低越好，低于两条虚线之间的三角形才算有用。",
                "Left: the lower the threshold, the more is found (recall) and the more false alarms \
                 there are (precision falls); in brackets the average precision. Right: from left \
                 to right a miss becomes dearer; the lower the curve the better, and a model is of \
                 use only below both broken lines.",
            ),
            html! {
                (grid(parts))
                @if let Some(table) = table { (table) }
            },
        )
    }

    fn precision_recall(&self) -> Markup {
        let series = (0..self.labels.len()).map(|class| {
            let curve = ThresholdCurve::of(class, self.scored);
            let area = NumberFormat::Decimal(3).write(curve.average_precision());
            let name = format!("{} ({area})", self.label(class));
            let mut points = thinned(&curve.precision_recall());
            // A curve starts where nothing is found yet, at its first precision.
            if let Some(&(_, precision)) = points.first() {
                points.insert(0, (0.0, precision));
            }
            Series::new(name, self.tone(class), LineShape::Straight, points)
        });
        let language = self.language;
        LineChart {
            title: language.pick("精确率与召回率", "Precision and recall").to_owned(),
            x: Axis::share(language.pick("召回率", "Recall")).values_as(NumberFormat::Percent(1)),
            y: Axis::share(language.pick("精确率", "Precision"))
                .values_as(NumberFormat::Percent(1)),
            series: series.collect(),
        }
        .render()
    }

    fn cost_curve(&self, class: ClassIndex, curve: &ThresholdCurve) -> Markup {
        const STEPS: u32 = 50;
        let language = self.language;
        let shares = || (0..=STEPS).map(|step| f64::from(step) / f64::from(STEPS));
        let best: Vec<(f64, f64)> = shares().map(|x| (x, curve.lowest_cost(x))).collect();
        let (missed, alarms) = self.rates(class);
        // The axis ends where the highest of these lines does, not at 1.
        let highest = missed.max(alarms).max(best.iter().map(|point| point.1).fold(0.0, f64::max));
        let highest = (1.6 * highest).clamp(0.02, 1.0);
        let straight = |name: &str, tone, from: f64, to: f64| {
            let points = shares().map(|x| (x, (1.0 - x) * from + x * to));
            let points: Vec<_> = points.filter(|&(_, y)| y <= highest).collect();
            Series::new(name, tone, LineShape::Straight, points)
        };
        let name = self.label(class);
        LineChart {
            title: language.pick(format!("“{name}”的代价曲线"), format!("Cost curve of {name}")),
            x: Axis::share(language.pick("漏报代价所占的比重", "Share of a miss in all costs"))
                .values_as(NumberFormat::Percent(0)),
            y: Axis::linear(
                language.pick("归一化期望代价", "Normalised expected cost"),
                0.0,
                highest,
                NumberFormat::Percent(0),
            )
            .values_as(NumberFormat::Percent(1)),
            series: vec![
                straight(
                    language.pick("全部当作风险", "Call everything so"),
                    Tone::Neutral,
                    1.0,
                    0.0,
                )
                .broken(),
                straight(
                    language.pick("全部不当作风险", "Call nothing so"),
                    Tone::Neutral,
                    0.0,
                    1.0,
                )
                .broken(),
                straight(
                    language.pick("现在的判断", "As decided now"),
                    Tone::Series(1),
                    alarms,
                    missed,
                ),
                Series::new(
                    language.pick("每处最好的阈值", "Best threshold at each cost"),
                    Tone::Series(0),
                    LineShape::Straight,
                    best,
                ),
            ],
        }
        .render()
    }

    /// The share of `class` that is decided otherwise, and the share of the rest decided so.
    fn rates(&self, class: ClassIndex) -> (f64, f64) {
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        let positives = self.scored.iter().filter(|one| one.truth == class);
        let (found, missed): (Vec<_>, Vec<_>) = positives.partition(|one| one.predicted == class);
        let negatives = self.scored.iter().filter(|one| one.truth != class);
        let (alarms, quiet): (Vec<_>, Vec<_>) = negatives.partition(|one| one.predicted == class);
        (
            share(missed.len(), found.len() + missed.len()),
            share(alarms.len(), alarms.len() + quiet.len()),
        )
    }

    /// The cheapest threshold where a miss is as dear as so many false alarms.
    fn cost_table(&self, class: ClassIndex, curve: &ThresholdCurve) -> Table {
        let language = self.language;
        let name = self.label(class);
        let headings = language.pick(
            ["漏报一笔抵几次误报", "阈值", "召回率", "漏报", "误报", "每千条多看"],
            [
                "A miss is worth … alarms",
                "Threshold",
                "Recall",
                "Missed",
                "False alarms",
                "Per 1,000",
            ],
        );
        let mut table = Table::new(
            language.pick(
                format!("代价不同，“{name}”的最佳阈值（在这批数据上挑选，略为乐观）"),
                format!("The best threshold of {name} by cost (chosen on this data: a little flattering)"),
            ),
            headings.map(Column::number),
        );
        let rows = (curve.positives + curve.negatives).max(1) as f64;
        for ratio in COST_RATIOS {
            let point = curve.cheapest(ratio);
            let count = |count: u64| NumberFormat::Count.write(count as f64);
            table.row([
                NumberFormat::Count.write(ratio),
                NumberFormat::Decimal(3).write(point.threshold),
                percent(curve.recall(&point)),
                count(curve.positives - point.hits),
                count(point.false_alarms),
                NumberFormat::Decimal(1).write(1000.0 * point.false_alarms as f64 / rows),
            ]);
        }
        table
    }
}

/// Points that are far enough apart to be seen, and the last.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const APART: f64 = 0.004;
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (position, &point) in points.iter().enumerate() {
        let far = kept.last().is_none_or(|last| {
            (point.0 - last.0).abs() >= APART || (point.1 - last.1).abs() >= APART
        });
        if far || position + 1 == points.len() {
            kept.push(point);
        }
    }
    kept
}
