//! All findings in one list, ranked, each with its reason.

use std::collections::BTreeSet;

use super::confident::{ConfidentLearning, LabelIssue};
use super::duplicates::Duplicates;
use crate::evaluation::Scored;
use crate::model::{ClassIndex, LabelSet};
use crate::report::Language;

/// A label with fewer comments than this is rare …
const FEW_ROWS: usize = 30;
/// … and so is one with a smaller share of all comments than this.
const SMALL_SHARE: f64 = 0.01;
/// How many related comments are named with a finding.
const RELATED: usize = 5;

/// A comment of the data that is audited.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuditedComment<'a> {
    /// The comment.
    pub text: &'a str,
    /// Its label.
    pub class: ClassIndex,
    /// Its group, such as its writer; empty if there are no groups.
    pub group: &'a str,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A label of the label file has no comment.
    EmptyClass,
    /// A label has few comments.
    RareClass,
    /// The same text has another label elsewhere.
    ConflictingLabels,
    /// The label is probably wrong.
    WrongLabel,
    /// Nearly the same text has another label elsewhere.
    NearConflict,
    /// The same or nearly the same text stands in another group: what is learned from the one is
    /// no news for the other, and a cross-validation by group flatters.
    Leak,
    /// The same text stands elsewhere.
    Duplicate,
    /// Nearly the same text stands elsewhere.
    NearDuplicate,
}

impl FindingKind {
    /// All kinds, in the order of their rank.
    pub const ALL: [Self; 8] = [
        Self::EmptyClass,
        Self::RareClass,
        Self::ConflictingLabels,
        Self::WrongLabel,
        Self::NearConflict,
        Self::Leak,
        Self::Duplicate,
        Self::NearDuplicate,
    ];

    /// Its name in files.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::EmptyClass => "empty_class",
            Self::RareClass => "rare_class",
            Self::ConflictingLabels => "conflicting_labels",
            Self::WrongLabel => "wrong_label",
            Self::NearConflict => "near_conflict",
            Self::Leak => "leak",
            Self::Duplicate => "duplicate",
            Self::NearDuplicate => "near_duplicate",
        }
    }
}

/// One thing that is wrong, or probably so.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The position of the comment; `None` if it is about a label.
    pub row: Option<usize>,
    /// The label it is about, or that the comment has.
    pub label: ClassIndex,
    /// The label it probably should have, if that is known.
    pub suggested: Option<ClassIndex>,
    /// How sure it is, from 0 to 1: for texts their similarity, for a wrong label 1 − the
    /// probability of the label given, for a rare one the share that it lacks.
    pub score: f64,
    /// The positions of the comments it is found beside, at most five.
    pub related: Vec<usize>,
    /// The out-of-fold probabilities of the given and of the suggested label, for a wrong label.
    pub probabilities: Option<(f64, f64)>,
    /// How many comments the label has, for a rare one.
    pub rows: usize,
}

/// What is probably wrong with labelled data.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The findings, by kind, and the surest of a kind first.
    pub findings: Vec<Finding>,
    /// What confident learning estimates.
    pub confident: ConfidentLearning,
}

impl Audit {
    /// Audits `comments`. `scored` holds the out-of-fold prediction of each, or `None` where there
    /// is none, for want of rows to train on.
    #[must_use]
    pub fn of(
        labels: &LabelSet,
        comments: &[AuditedComment<'_>],
        scored: &[Option<Scored>],
        similarity: f64,
    ) -> Self {
        let texts: Vec<&str> = comments.iter().map(|comment| comment.text).collect();
        let duplicates = Duplicates::find(&texts, similarity);
        let (rows, known): (Vec<usize>, Vec<Scored>) = scored
            .iter()
            .enumerate()
            .filter_map(|(row, scored)| scored.clone().map(|scored| (row, scored)))
            .unzip();
        let mut confident = ConfidentLearning::of(labels.len(), &known);
        confident.issues.iter_mut().for_each(|issue| issue.row = rows[issue.row]);

        let mut findings = class_findings(labels, comments);
        findings.extend(confident.issues.iter().map(wrong_label));
        let finder = Beside { comments, scored };
        findings.extend(finder.same(&duplicates));
        findings.extend(finder.nearly(&duplicates));
        findings.sort_by(|a, b| {
            a.kind.cmp(&b.kind).then(b.score.total_cmp(&a.score)).then(a.row.cmp(&b.row))
        });
        Self { findings, confident }
    }

    /// How many findings there are of each kind.
    #[must_use]
    pub fn counts(&self) -> Vec<(FindingKind, usize)> {
        let count = |kind| self.findings.iter().filter(|finding| finding.kind == kind).count();
        FindingKind::ALL.into_iter().map(|kind| (kind, count(kind))).collect()
    }
}

fn finding(kind: FindingKind, row: usize, label: ClassIndex, score: f64) -> Finding {
    Finding {
        kind,
        row: Some(row),
        label,
        suggested: None,
        score,
        related: Vec::new(),
        probabilities: None,
        rows: 0,
    }
}

fn wrong_label(issue: &LabelIssue) -> Finding {
    Finding {
        suggested: Some(issue.suggested),
        probabilities: Some((issue.self_confidence, issue.suggested_probability)),
        ..finding(FindingKind::WrongLabel, issue.row, issue.given, 1.0 - issue.self_confidence)
    }
}

/// Labels that have few comments or none.
fn class_findings(labels: &LabelSet, comments: &[AuditedComment<'_>]) -> Vec<Finding> {
    let enough = (SMALL_SHARE * comments.len() as f64).max(FEW_ROWS as f64);
    (0..labels.len())
        .filter_map(|label| {
            let rows = comments.iter().filter(|comment| comment.class == label).count();
            let kind = match rows {
                0 => FindingKind::EmptyClass,
                _ if (rows as f64) < enough => FindingKind::RareClass,
                _ => return None,
            };
            let score = 1.0 - rows as f64 / enough;
            Some(Finding { row: None, rows, ..finding(kind, 0, label, score) })
        })
        .collect()
}

/// Finds what is wrong with comments that say the same.
struct Beside<'a> {
    comments: &'a [AuditedComment<'a>],
    scored: &'a [Option<Scored>],
}

impl Beside<'_> {
    fn same(&self, duplicates: &Duplicates) -> Vec<Finding> {
        let mut findings = Vec::new();
        for group in &duplicates.exact {
            let labels: BTreeSet<ClassIndex> =
                group.iter().map(|&row| self.comments[row].class).collect();
            let kind = |row: usize| {
                let elsewhere = self.comments[row].group != self.comments[group[0]].group;
                if elsewhere { FindingKind::Leak } else { FindingKind::Duplicate }
            };
            // Of conflicting labels any may be the wrong one; of duplicates the first may stay.
            let (skipped, conflict) = if labels.len() > 1 { (0, true) } else { (1, false) };
            for &row in &group[skipped..] {
                let kind = if conflict { FindingKind::ConflictingLabels } else { kind(row) };
                let others = group.iter().copied().filter(|&other| other != row);
                findings.push(Finding {
                    suggested: if conflict { self.likeliest(group) } else { None },
                    related: others.take(RELATED).collect(),
                    ..finding(kind, row, self.comments[row].class, 1.0)
                });
            }
        }
        findings
    }

    /// Of the pairs of a later comment that are of one kind, that of the greatest similarity.
    fn nearly(&self, duplicates: &Duplicates) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        let mut pairs = duplicates.near.clone();
        pairs.sort_by_key(|pair| pair.second);
        for pairs in pairs.chunk_by(|a, b| a.second == b.second) {
            let start = findings.len();
            for pair in pairs {
                let (first, second) = (self.comments[pair.first], self.comments[pair.second]);
                let kind = if first.class != second.class {
                    FindingKind::NearConflict
                } else if first.group != second.group {
                    FindingKind::Leak
                } else {
                    FindingKind::NearDuplicate
                };
                let new = Finding {
                    related: vec![pair.first],
                    ..finding(kind, pair.second, second.class, pair.similarity)
                };
                match findings[start..].iter_mut().find(|found| found.kind == kind) {
                    Some(found) if found.score < new.score => *found = new,
                    Some(_) => {}
                    None => findings.push(new),
                }
            }
        }
        findings
    }

    /// The label that is most probable for comments that say the same.
    fn likeliest(&self, group: &[usize]) -> Option<ClassIndex> {
        let mut sums: Vec<f64> = Vec::new();
        for scored in group.iter().filter_map(|&row| self.scored[row].as_ref()) {
            sums.resize(scored.probabilities.len(), 0.0);
            sums.iter_mut().zip(&scored.probabilities).for_each(|(sum, p)| *sum += p);
        }
        (0..sums.len()).max_by(|&a, &b| sums[a].total_cmp(&sums[b]))
    }
}

impl Finding {
    /// Why it is a finding, in words. `name` gives what a comment is called, its id or its line;
    /// `class` its label.
    #[must_use]
    pub fn reason(
        &self,
        language: Language,
        labels: &LabelSet,
        name: impl Fn(usize) -> String,
        class: impl Fn(usize) -> ClassIndex,
    ) -> String {
        let called = |class: ClassIndex| {
            let label = labels.get(class);
            language.pick(label.name.as_str(), label.id.as_str()).to_owned()
        };
        let label = called(self.label);
        let with_labels = |rows: &[usize]| {
            let named = rows.iter().map(|&row| format!("{}（{}）", name(row), called(class(row))));
            named.collect::<Vec<_>>().join(language.pick("、", ", "))
        };
        let related = with_labels(&self.related);
        let similarity = format!("{:.2}", self.score);
        match self.kind {
            FindingKind::EmptyClass => {
                language.pick(format!("标签“{label}”一条也没有"), format!("no comment of {label}"))
            }
            FindingKind::RareClass => language.pick(
                format!("标签“{label}”只有 {} 条，模型难以学会", self.rows),
                format!("only {} comments of {label}: too few to learn it from", self.rows),
            ),
            FindingKind::ConflictingLabels => language.pick(
                format!("同样的文字，标签不同：{related}"),
                format!("the same text has other labels: {related}"),
            ),
            FindingKind::WrongLabel => {
                let (given, better) = self.probabilities.unwrap_or_default();
                let suggested = self.suggested.map(called).unwrap_or_default();
                language.pick(
                    format!(
                        "没用它训练的模型认为是“{suggested}”（{better:.2}），“{label}”只有 {given:.2}"
                    ),
                    format!("a model trained without it says {suggested} ({better:.2}), {label} only {given:.2}"),
                )
            }
            FindingKind::NearConflict => language.pick(
                format!("与标签不同的 {related} 几乎一样（相似度 {similarity}）"),
                format!("nearly the same as {related}, which has another label ({similarity})"),
            ),
            FindingKind::Leak => language.pick(
                format!("另一组里有同样或几乎一样的文字：{related}（相似度 {similarity}），按组交叉验证也会偏乐观"),
                format!("the same or nearly the same text is in another group: {related} ({similarity}); cross-validation by group flatters"),
            ),
            FindingKind::Duplicate => {
                language.pick(format!("与 {related} 文字相同"), format!("the same text as {related}"))
            }
            FindingKind::NearDuplicate => language.pick(
                format!("与 {related} 几乎一样（相似度 {similarity}）"),
                format!("nearly the same as {related} ({similarity})"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(comments: &[(&'static str, usize, &'static str)]) -> Audit {
        let comments: Vec<AuditedComment> = comments
            .iter()
            .map(|&(text, class, group)| AuditedComment { text, class, group })
            .collect();
        let scored = vec![None; comments.len()];
        Audit::of(&LabelSet::post_loan(), &comments, &scored, 0.6)
    }

    fn kinds(audit: &Audit) -> Vec<(FindingKind, Option<usize>)> {
        let comments = audit.findings.iter().filter(|finding| finding.row.is_some());
        comments.map(|finding| (finding.kind, finding.row)).collect()
    }

    #[test]
    fn the_same_text_with_two_labels_is_a_conflict_of_both() {
        let audit = audit(&[("已逾期", 1, "a"), ("经营正常", 0, "a"), ("已逾期。", 2, "b")]);
        let conflict = FindingKind::ConflictingLabels;
        assert_eq!(kinds(&audit), [(conflict, Some(0)), (conflict, Some(2))]);
        assert_eq!(audit.findings[3].related, [2]);
    }

    #[test]
    fn the_same_text_in_two_groups_is_a_leak_and_in_one_a_duplicate() {
        let audit = audit(&[("已逾期", 1, "a"), ("已逾期", 1, "a"), ("已逾期", 1, "b")]);
        let expected = [(FindingKind::Leak, Some(2)), (FindingKind::Duplicate, Some(1))];
        assert_eq!(kinds(&audit), expected);
    }

    #[test]
    fn nearly_the_same_text_is_told_by_label_and_group() {
        let text = ["借款人经营正常按时还款三千元", "借款人经营正常按时还款四千元"];
        for (class, group, expected) in [
            (1, "a", FindingKind::NearConflict),
            (0, "b", FindingKind::Leak),
            (0, "a", FindingKind::NearDuplicate),
        ] {
            let audit = audit(&[(text[0], 0, "a"), (text[1], class, group)]);
            assert_eq!(kinds(&audit), [(expected, Some(1))]);
        }
    }

    #[test]
    fn rare_and_empty_classes_come_first() {
        let audit = audit(&[("经营正常", 0, ""), ("已逾期", 2, "")]);
        let shown: Vec<_> =
            audit.findings.iter().map(|finding| (finding.kind, finding.label)).collect();
        let rare = FindingKind::RareClass;
        assert_eq!(shown, [(FindingKind::EmptyClass, 1), (rare, 0), (rare, 2)]);
        let labels = LabelSet::post_loan();
        let reason =
            audit.findings[0].reason(Language::Chinese, &labels, |row| row.to_string(), |_| 0);
        assert_eq!(reason, "标签“关注风险”一条也没有");
    }

    #[test]
    fn a_wrong_label_says_what_it_should_be() {
        let sure = |truth: usize, class: usize| {
            let mut probabilities = vec![0.05; 3];
            probabilities[class] = 0.9;
            Some(Scored { truth, predicted: class, probabilities })
        };
        let texts: Vec<String> = (0..30).map(|row| format!("{row}{row}{row}{row}")).collect();
        let comments: Vec<AuditedComment> = texts
            .iter()
            .enumerate()
            .map(|(row, text)| AuditedComment { text, class: row % 3, group: "" })
            .collect();
        let mut scored: Vec<_> = (0..30).map(|row| sure(row % 3, row % 3)).collect();
        scored[4] = sure(1, 2);
        let audit = Audit::of(&LabelSet::post_loan(), &comments, &scored, 0.9);
        let wrong: Vec<_> = audit
            .findings
            .iter()
            .filter(|finding| finding.kind == FindingKind::WrongLabel)
            .map(|finding| (finding.row, finding.label, finding.suggested))
            .collect();
        assert_eq!(wrong, [(Some(4), 1, Some(2))]);
    }
}
