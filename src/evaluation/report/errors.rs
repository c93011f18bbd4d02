//! What decisions went by, and where they went wrong.

use maud::{Markup, Render, html};

use super::super::metrics::Metrics;
use super::{EvaluationReport, Mistake, grid, percent, section};
use crate::report::{Bar, BarChart, Column, HighlightedText, NumberFormat, Section, Span, Table};

/// How many phrases of a comment stand out at most.
const PHRASES: usize = 6;

impl EvaluationReport<'_> {
    pub(super) fn strongest_terms(&self) -> Section {
        let language = self.language;
        let charts = self.terms.iter().enumerate().filter(|(_, terms)| !terms.is_empty());
        let charts = charts.map(|(class, terms)| {
            let bars = terms.iter().map(|term| {
                let comments = NumberFormat::Count.write(term.comments as f64);
                Bar::new(&term.term, term.contribution)
                    .tone(self.tone(class))
                    .text(language.pick(format!("{comments} 条"), format!("in {comments}")))
            });
            let name = self.label(class);
            let chart = BarChart {
                title: language.pick(format!("判为“{name}”"), format!("Called {name}")),
                format: NumberFormat::Decimal(1),
                highest: None,
                bars: bars.collect(),
            };
            chart.render()
        });
        section(
            "terms",
            language.pick("判断的依据", "What it goes by"),
            language.pick(
                "对判为各标签的评价，贡献最大的词（两个字以上）：条越长，合计贡献越大；数字是出现在多少条评价里。\
                 ⟨ ⟩ 是归并后的数量，¬ 是被否定的词。",
                "The terms of two letters or more that spoke most for each label, over the comments given it: the longer a \
                 bar, the greater their sum; the number says in how many comments. ⟨ ⟩ is a bucket \
                 of quantities, ¬ a denied word.",
            ),
            grid(charts),
        )
    }

    pub(super) fn worst_mistakes(&self, metrics: &Metrics) -> Section {
        let language = self.language;
        let right: u64 = (0..self.labels.len()).map(|class| metrics.confusion[class][class]).sum();
        let wrong = metrics.rows - right;
        let shown = self.mistakes.len();
        section(
            "mistakes",
            language.pick("最严重的错误", "The worst mistakes"),
            &language.pick(
                format!(
                    "共判错 {wrong} 条，这里是人工标签概率最低的 {shown} 条：要么模型真的没读懂，\
                     要么标签值得再看一眼。颜色标出让模型这样判断的词句，越深越重要。"
                ),
                format!(
                    "{wrong} are wrong; these are the {shown} whose given label was thought least \
                     likely: the model did not understand, or the label deserves a second look. \
                     What spoke for the prediction stands out, the stronger the more."
                ),
            ),
            html! {
                (self.confused_pairs(metrics))
                @for mistake in &self.mistakes { (self.mistake(mistake)) }
            },
        )
    }

    /// Which label is taken for which, the most frequent first.
    fn confused_pairs(&self, metrics: &Metrics) -> Table {
        let language = self.language;
        let headings =
            language.pick(["人工标签", "模型标签"], ["Given", "Predicted"]).map(Column::text);
        let counts = language.pick(["条数", "占错误的"], ["Comments", "Of all mistakes"]);
        let mut table = Table::new(
            language.pick("错在哪里", "What is taken for what"),
            headings.into_iter().chain(counts.map(Column::number)),
        );
        let classes = 0..self.labels.len();
        let mut pairs: Vec<(usize, usize, u64)> = classes
            .clone()
            .flat_map(|given| classes.clone().map(move |predicted| (given, predicted)))
            .filter(|(given, predicted)| given != predicted)
            .map(|(given, predicted)| (given, predicted, metrics.confusion[given][predicted]))
            .filter(|&(_, _, count)| count > 0)
            .collect();
        pairs.sort_by_key(|&(_, _, count)| std::cmp::Reverse(count));
        let wrong: u64 = pairs.iter().map(|&(_, _, count)| count).sum();
        for (given, predicted, count) in pairs.into_iter().take(12) {
            table.row([
                self.label_mark(given),
                self.label_mark(predicted),
                html! { (NumberFormat::Count.write(count as f64)) },
                html! { (percent(count as f64 / wrong.max(1) as f64)) },
            ]);
        }
        table
    }

    fn mistake(&self, mistake: &Mistake) -> Markup {
        let language = self.language;
        let scored = mistake.scored;
        let probability = |class: usize| percent(scored.probabilities[class]);
        let supporting: Vec<_> = mistake
            .phrases
            .iter()
            .filter(|phrase| phrase.contribution > 0.0)
            .take(PHRASES)
            .collect();
        let strongest = supporting.first().map_or(1.0, |phrase| phrase.contribution);
        let spans = supporting.iter().map(|phrase| Span {
            range: phrase.range.clone(),
            tone: self.tone(scored.predicted),
            strength: phrase.contribution / strongest,
            note: format!("{:+.2}", phrase.contribution),
        });
        let text = HighlightedText { text: mistake.text, spans: spans.collect() };
        html! {
            article {
                p.about {
                    (mistake.id)
                    @for (field, value) in mistake.fields.iter().filter(|(_, value)| !value.is_empty()) {
                        " · " (field) " " (value)
                    }
                }
                p {
                    (language.pick("人工：", "given ")) (self.label_mark(scored.truth))
                    " " (probability(scored.truth))
                    " → " (language.pick("模型：", "predicted ")) (self.label_mark(scored.predicted))
                    " " (probability(scored.predicted))
                }
                p.comment { (text) }
            }
        }
    }
}
