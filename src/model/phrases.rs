//! Reasons that overlap, as phrases of the comment that do not.

use std::ops::Range;

use super::classifier::Reason;

/// Words of a comment and what all reasons together say of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Phrase {
    /// Where it stands in the comment, in bytes.
    pub range: Range<usize>,
    /// What it did to the score of the predicted class.
    pub contribution: f64,
}

/// The reasons for a prediction, as phrases that do not overlap.
///
/// A word, the pair it is half of and its characters are reasons of their own that lie on top of
/// each other. Here each reason's contribution is dealt evenly to the characters it covers, and
/// neighbours that say the same are joined: to the maximal scoring subsequences of Ruzzo and
/// Tompa (1999). The sum of everything is that of the reasons, to within rounding.
#[derive(Debug, Clone, PartialEq)]
pub struct Phrases {
    /// The phrases, from what spoke most for the predicted class to what spoke most against it.
    pub phrases: Vec<Phrase>,
    /// What stands between them, and reasons that stand nowhere.
    pub elsewhere: f64,
}

impl Phrase {
    /// The words of `comment`, whose phrase this is.
    #[must_use]
    pub fn words<'c>(&self, comment: &'c str) -> &'c str {
        comment.get(self.range.clone()).unwrap_or_default()
    }
}

impl Phrases {
    /// At most `limit` phrases that spoke for the predicted class, the strongest first.
    #[must_use]
    pub fn supporting(&self, limit: usize) -> &[Phrase] {
        let supporting = self.phrases.partition_point(|phrase| phrase.contribution > 0.0);
        &self.phrases[..supporting.min(limit)]
    }

    /// The phrases of `comment` that carry the given `reasons`.
    #[must_use]
    pub fn of(comment: &str, reasons: &[Reason]) -> Self {
        let starts: Vec<usize> = comment.char_indices().map(|(start, _)| start).collect();
        let mut credits = vec![0.0; starts.len()];
        let mut elsewhere = 0.0;
        let covered = |range: &Range<usize>| {
            starts.partition_point(|&start| start < range.start)
                ..starts.partition_point(|&start| start < range.end)
        };
        for reason in reasons {
            let places: Vec<Range<usize>> = reason.ranges.iter().map(covered).collect();
            let characters: usize = places.iter().map(ExactSizeIterator::len).sum();
            if characters == 0 {
                elsewhere += reason.contribution;
                continue;
            }
            let credit = reason.contribution / characters as f64;
            places.into_iter().flatten().for_each(|character| credits[character] += credit);
        }

        let end = |character: usize| starts.get(character).copied().unwrap_or(comment.len());
        // What says little is no phrase: without this a phrase would reach as far as its clause.
        let mean = credits.iter().map(|credit| credit.abs()).sum::<f64>();
        let little = 0.75 * mean / credits.len().max(1) as f64;
        // More than all credits together: no phrase reaches across what another has taken.
        let barrier = -2.0 * mean - 1.0;
        let mut taken = vec![false; credits.len()];
        let mut phrases = Vec::new();
        let ends_clause = |character: usize| {
            comment[starts[character]..].starts_with(['，', '。', '；', '！', '？', ',', ';', '\n'])
        };
        let mut clause_start = 0;
        while clause_start < credits.len() {
            let length = (clause_start..credits.len()).take_while(|&c| !ends_clause(c)).count();
            let clause = clause_start..clause_start + length;
            clause_start = clause.end + 1;
            for direction in [1.0, -1.0] {
                let scores: Vec<f64> = clause
                    .clone()
                    .map(|place| match taken[place] {
                        true => barrier,
                        false => direction * credits[place] - little,
                    })
                    .collect();
                for found in maximal_subsequences(&scores) {
                    let characters = clause.start + found.start..clause.start + found.end;
                    let contribution: f64 = credits[characters.clone()].iter().sum();
                    // Taken: nothing against may be found inside what speaks for.
                    credits[characters.clone()].fill(0.0);
                    taken[characters.clone()].fill(true);
                    let range = starts[characters.start]..end(characters.end);
                    phrases.push(Phrase { range, contribution });
                }
            }
        }
        elsewhere += credits.iter().sum::<f64>();
        phrases.sort_by(|a, b| {
            b.contribution.total_cmp(&a.contribution).then(a.range.start.cmp(&b.range.start))
        });
        Self { phrases, elsewhere }
    }
}

/// All maximal scoring subsequences, in time that grows with the length (Ruzzo and Tompa, 1999).
fn maximal_subsequences(scores: &[f64]) -> Vec<Range<usize>> {
    /// A candidate, with the sum of everything before it and to its end.
    struct Candidate {
        range: Range<usize>,
        before: f64,
        to_end: f64,
    }
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut sum = 0.0;
    for (position, &score) in scores.iter().enumerate() {
        let before = sum;
        sum += score;
        if score <= 0.0 {
            continue;
        }
        let mut new = Candidate { range: position..position + 1, before, to_end: sum };
        while let Some(left) = candidates.iter().rposition(|old| old.before < new.before) {
            if candidates[left].to_end >= new.to_end {
                break;
            }
            new.range.start = candidates[left].range.start;
            new.before = candidates[left].before;
            candidates.truncate(left);
        }
        candidates.push(new);
    }
    candidates.into_iter().map(|candidate| candidate.range).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn maximal_subsequences_are_those_of_the_paper() {
        // The example of Ruzzo and Tompa: (4), (3), (1, 2, −2, 2, −2, 1, 5) by their values.
        let scores = [4.0, -5.0, 3.0, -3.0, 1.0, 2.0, -2.0, 2.0, -2.0, 1.0, 5.0];
        assert_eq!(maximal_subsequences(&scores), [0..1, 2..3, 4..11]);
        assert!(maximal_subsequences(&[-1.0, 0.0]).is_empty());
    }

    fn reason(contribution: f64, range: Range<usize>) -> Reason {
        Reason { term: String::new(), contribution, ranges: vec![range] }
    }

    #[test]
    fn a_word_and_its_characters_are_one_phrase() {
        let comment = "客户失联，按时";
        let phrases = Phrases::of(
            comment,
            &[reason(1.0, 6..12), reason(0.5, 6..9), reason(0.25, 9..12), reason(-0.5, 15..21)],
        );
        let shown: Vec<(&str, f64)> = phrases
            .phrases
            .iter()
            .map(|phrase| (phrase.words(comment), phrase.contribution))
            .collect();
        assert_eq!(shown, [("失联", 1.75), ("按时", -0.5)]);
        assert_eq!(phrases.elsewhere, 0.0);
        assert_eq!(phrases.supporting(5), &phrases.phrases[..1]);
        assert!(phrases.supporting(0).is_empty());
    }

    proptest! {
        #[test]
        fn phrases_do_not_overlap_and_sum_to_the_reasons(
            spec in prop::collection::vec((-2.0..2.0_f64, 0_usize..12, 1_usize..6), 0..20),
        ) {
            let comment = "客户失联，无法还款。a已报警处理";
            let starts: Vec<usize> =
                comment.char_indices().map(|(start, _)| start).chain([comment.len()]).collect();
            let reasons: Vec<Reason> = spec
                .into_iter()
                .map(|(contribution, start, length)| {
                    let end = (start + length).min(starts.len() - 1);
                    reason(contribution, starts[start]..starts[end])
                })
                .collect();
            let Phrases { mut phrases, elsewhere } = Phrases::of(comment, &reasons);
            let sum: f64 = phrases.iter().map(|phrase| phrase.contribution).sum::<f64>() + elsewhere;
            let expected: f64 = reasons.iter().map(|reason| reason.contribution).sum();
            prop_assert!((sum - expected).abs() < 1e-9);
            phrases.sort_by_key(|phrase| phrase.range.start);
            for pair in phrases.windows(2) {
                prop_assert!(pair[0].range.end <= pair[1].range.start);
            }
            for phrase in &phrases {
                prop_assert!(comment.get(phrase.range.clone()).is_some_and(|words| !words.is_empty()));
            }
        }
    }
}
