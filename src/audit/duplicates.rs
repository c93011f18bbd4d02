//! Comments that say the same, to the letter or nearly.
//!
//! Nearly means a Jaccard similarity of the sets of character 3-grams. All pairs above a threshold
//! are found, and no other: by prefix filtering (Chaudhuri, Ganti and Kaushik, 2006; Bayardo, Ma
//! and Srikant, "Scaling up all pairs similarity search", 2007). `MinHash` would find most of them.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::text::NormalizedText;

/// How many characters a shingle has.
const SHINGLE: usize = 3;

/// Two comments that say nearly the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearPair {
    /// The position of the earlier comment.
    pub first: usize,
    /// The position of the later one.
    pub second: usize,
    /// Their Jaccard similarity, below 1 only if they are not the same.
    pub similarity: f64,
}

/// Comments that say the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicates {
    /// Comments of the same letters and digits: two or more positions each, in order.
    pub exact: Vec<Vec<usize>>,
    /// Pairs that say nearly the same, of which each stands for all comments of its letters, in
    /// order.
    pub near: Vec<NearPair>,
}

impl Duplicates {
    /// Finds comments that say the same, up to width, case, white space and punctuation, and those
    /// whose similarity is at least `threshold`, which is above 0 and at most 1.
    #[must_use]
    pub fn find(comments: &[&str], threshold: f64) -> Self {
        let forms: Vec<String> = comments.par_iter().map(|comment| letters(comment)).collect();
        let mut same: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (position, form) in forms.iter().enumerate() {
            same.entry(form).or_default().push(position);
        }
        let mut groups: Vec<Vec<usize>> = same.into_values().collect();
        groups.sort_unstable();
        let firsts: Vec<usize> = groups.iter().map(|group| group[0]).collect();
        let sets = shingle_sets(&firsts, &forms);
        let mut near: Vec<NearPair> = similar_pairs(&sets, threshold)
            .into_iter()
            .map(|(a, b, similarity)| {
                let (a, b) = (firsts[a], firsts[b]);
                NearPair { first: a.min(b), second: a.max(b), similarity }
            })
            .collect();
        near.sort_by_key(|pair| (pair.first, pair.second));
        groups.retain(|group| group.len() > 1);
        Self { exact: groups, near }
    }
}

/// The letters, ideographs and digits of a comment, in normal form.
fn letters(comment: &str) -> String {
    let mut normalized = NormalizedText::default();
    normalized.assign(comment);
    normalized.as_str().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// For each of the comments its shingles as numbers, sorted, of which the rare ones are low.
fn shingle_sets(rows: &[usize], forms: &[String]) -> Vec<Vec<u32>> {
    let mut numbers: FxHashMap<[char; SHINGLE], u32> = FxHashMap::default();
    let mut counts: Vec<u32> = Vec::new();
    let mut sets: Vec<Vec<u32>> = Vec::with_capacity(rows.len());
    for &row in rows {
        let mut characters: Vec<char> = forms[row].chars().collect();
        // A comment shorter than a shingle is one.
        characters.resize(characters.len().max(SHINGLE), ' ');
        let mut set: Vec<u32> = characters
            .windows(SHINGLE)
            .map(|window| {
                let next = numbers.len() as u32;
                *numbers.entry([window[0], window[1], window[2]]).or_insert(next)
            })
            .collect();
        set.sort_unstable();
        set.dedup();
        counts.resize(numbers.len(), 0);
        set.iter().for_each(|&shingle| counts[shingle as usize] += 1);
        sets.push(set);
    }
    let mut by_rarity: Vec<u32> = (0..counts.len() as u32).collect();
    by_rarity.sort_by_key(|&shingle| counts[shingle as usize]);
    let mut rank = vec![0; counts.len()];
    (0..).zip(by_rarity).for_each(|(place, shingle)| rank[shingle as usize] = place);
    for set in &mut sets {
        set.iter_mut().for_each(|shingle| *shingle = rank[*shingle as usize]);
        set.sort_unstable();
    }
    sets
}

/// All pairs of sets, by their positions, whose Jaccard similarity is at least `threshold`.
fn similar_pairs(sets: &[Vec<u32>], threshold: f64) -> Vec<(usize, usize, f64)> {
    let mut by_size: Vec<usize> = (0..sets.len()).collect();
    by_size.sort_by_key(|&set| (sets[set].len(), set));
    // Sets that are similar share one of their rarest shingles: these many.
    let prefix =
        |size: usize| size - ((threshold * size as f64).ceil() as usize).clamp(1, size) + 1;
    let mut holders: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
    let mut candidates: Vec<(usize, usize)> = Vec::new();
    let mut met = vec![usize::MAX; sets.len()];
    for &set in &by_size {
        let shingles = &sets[set];
        let smallest = threshold * shingles.len() as f64 - 1e-9;
        for shingle in &shingles[..prefix(shingles.len())] {
            let holders = holders.entry(*shingle).or_default();
            for &other in holders.iter() {
                if met[other] != set && sets[other].len() as f64 >= smallest {
                    met[other] = set;
                    candidates.push((other, set));
                }
            }
            holders.push(set);
        }
    }
    candidates
        .into_par_iter()
        .filter_map(|(a, b)| {
            let similarity = jaccard(&sets[a], &sets[b]);
            (similarity >= threshold - 1e-12).then_some((a, b, similarity))
        })
        .collect()
}

/// The share of all members of two sorted sets that both have.
fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0_usize);
    while i < a.len() && j < b.len() {
        both += usize::from(a[i] == b[j]);
        let (left, right) = (a[i], b[j]);
        i += usize::from(left <= right);
        j += usize::from(right <= left);
    }
    both as f64 / (a.len() + b.len() - both) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_white_space_and_punctuation_make_no_difference() {
        let comments = ["已逾期30天，失联。", "经营正常", "已 逾期３０天;失联", ""];
        let found = Duplicates::find(&comments, 0.8);
        assert_eq!(found.exact, [[0, 2]]);
        assert!(found.near.is_empty());
    }

    #[test]
    fn a_changed_number_is_a_near_duplicate() {
        let comments = [
            "借款人经营正常，每月按时还款三千元，抵押物状态良好，未见异常情况",
            "经营停止，人去楼空",
            "借款人经营正常，每月按时还款四千元，抵押物状态良好，未见异常情况",
        ];
        let found = Duplicates::find(&comments, 0.7);
        assert!(found.exact.is_empty());
        assert_eq!(found.near.len(), 1);
        assert_eq!((found.near[0].first, found.near[0].second), (0, 2));
        assert!((found.near[0].similarity - 24.0 / 30.0).abs() < 1e-12, "{:?}", found.near);
    }

    proptest! {
        #[test]
        fn prefix_filtering_finds_exactly_the_similar_pairs(
            comments in prop::collection::vec("[一二三四]{0,12}", 0..25),
            threshold in 0.1..1.0_f64,
        ) {
            let rows: Vec<usize> = (0..comments.len()).collect();
            let sets = shingle_sets(&rows, &comments);
            let mut found: Vec<(usize, usize)> = similar_pairs(&sets, threshold)
                .into_iter()
                .map(|(a, b, _)| (a.min(b), a.max(b)))
                .collect();
            found.sort_unstable();
            let mut expected = Vec::new();
            for a in 0..sets.len() {
                for b in a + 1..sets.len() {
                    if jaccard(&sets[a], &sets[b]) >= threshold - 1e-12 {
                        expected.push((a, b));
                    }
                }
            }
            prop_assert_eq!(found, expected);
        }
    }
}
