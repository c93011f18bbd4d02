//! What was scored: by label, by field, by amount of data.

use maud::{Markup, Render, html};

use super::super::by_field::MetricsByField;
use super::super::calibration::Calibration;
use super::super::interval::wilson_interval;
use super::super::metrics::Metrics;
use super::{EvaluationReport, LENGTH_FIELD, decimal, grid, percent, section};
use crate::report::{
    Axis, Column, HeatMap, LineChart, LineShape, NumberFormat, ReliabilityBin, ReliabilityDiagram,
    Section, Series, Table, Tone,
};

impl EvaluationReport<'_> {
    pub(super) fn confusion(&self, metrics: &Metrics) -> Section {
        let language = self.language;
        let names = (0..self.labels.len()).map(|class| self.label(class).to_owned()).collect();
        let matrix = HeatMap {
            title: language.pick("混淆矩阵", "Confusion matrix").to_owned(),
            row_axis: language.pick("人工标签", "Given").to_owned(),
            column_axis: language.pick("模型标签", "Predicted").to_owned(),
            names,
            counts: metrics.confusion.clone(),
        };
        let headings = language.pick(
            ["标签", "精确率", "召回率", "F1", "人工", "模型"],
            ["Label", "Precision", "Recall", "F1", "Given", "Predicted"],
        );
        let columns = [Column::text(headings[0])].into_iter();
        let mut table = Table::new(
            language.pick("各标签", "Each label"),
            columns.chain(headings[1..].iter().map(|&heading| Column::number(heading))),
        );
        for (class, scores) in metrics.classes.iter().enumerate() {
            let number = |number: String| html! { (number) };
            table.row([
                self.label_mark(class),
                number(percent(scores.precision)),
                number(percent(scores.recall)),
                number(percent(scores.f1)),
                number(NumberFormat::Count.write(scores.support as f64)),
                number(NumberFormat::Count.write(scores.predicted as f64)),
            ]);
        }
        section(
            "labels",
            language.pick("哪些判对了", "What is told apart"),
            language.pick(
                "每行是人工标签，每列是模型标签；绿色是判对的，红色越深，该行错到那里的越多。\
                 精确率：模型这样说的，有多少是对的；召回率：确实如此的，模型找到了多少。",
                "Rows are the labels given by people, columns those of the model; green is right, \
                 and the redder, the more of the row went there. Precision: of what the model \
                 calls so, how much is; recall: of what is so, how much the model found.",
            ),
            grid([matrix.render(), table.render()]),
        )
    }

    pub(super) fn calibration(&self, calibration: &Calibration) -> Section {
        let language = self.language;
        let bins = calibration.bins.iter().map(|bin| ReliabilityBin {
            confidence: bin.confidence,
            accuracy: bin.accuracy,
            count: bin.rows,
        });
        let diagram = ReliabilityDiagram {
            title: language.pick("可靠性图", "Reliability").to_owned(),
            confidence: language.pick("模型给出的概率", "Confidence").to_owned(),
            accuracy: language.pick("实际判对的比例", "Share that is right").to_owned(),
            diagonal: language.pick("说多少就是多少", "As it says").to_owned(),
            bins: bins.collect(),
        };
        let headings = language.pick(
            ["模型给出的概率", "条数", "实际判对", "差"],
            ["Confidence", "Comments", "Right", "Difference"],
        );
        let mut table = Table::new(
            language.pick("按模型给出的概率", "By confidence"),
            headings.map(Column::number),
        );
        for bin in calibration.bins.iter().filter(|bin| bin.rows > 0) {
            let difference = bin.accuracy - bin.confidence;
            table.row([
                percent(bin.confidence),
                NumberFormat::Count.write(bin.rows as f64),
                percent(bin.accuracy),
                format!("{}{}", if difference > 0.0 { "+" } else { "" }, percent(difference)),
            ]);
        }
        let (error, brier) = (decimal(calibration.expected_error), decimal(calibration.brier));
        section(
            "calibration",
            language.pick("概率可信吗", "Do probabilities mean what they say"),
            &language.pick(
                format!(
                    "点在虚线上：模型说九成把握，就有九成是对的；在线下方，模型过于自信。点越大，\
                     评价越多。ECE {error}，Brier 分数 {brier}。"
                ),
                format!(
                    "On the broken line the model is right as often as it says; below it, it is too \
                     sure. The larger a dot, the more comments. ECE {error}, Brier score {brier}."
                ),
            ),
            grid([diagram.render(), table.render()]),
        )
    }

    pub(super) fn by_field(&self) -> Section {
        let language = self.language;
        section(
            "fields",
            language.pick("哪里强，哪里弱", "Where it is strong and weak"),
            language.pick(
                "按记录的字段分开计算。条数少的行，区间很宽，不要急着下结论。",
                "By fields of the records. Where comments are few, intervals are wide.",
            ),
            html! { @for field in &self.fields { (self.field(field)) } },
        )
    }

    /// A table of all values of a field, or, where they are many, of the most frequent ones, with
    /// the others folded away.
    fn field(&self, by: &MetricsByField) -> Markup {
        /// The most values that are shown at once.
        const MOST: usize = 16;
        let language = self.language;
        let mut values: Vec<(&String, &Metrics)> = by.values.iter().collect();
        if values.len() <= MOST {
            return html! { (self.field_table(&by.field, &values)) };
        }
        values.sort_by_key(|(_, metrics)| std::cmp::Reverse(metrics.rows));
        let (shown, folded) = values.split_at(MOST);
        html! {
            (self.field_table(&by.field, shown))
            details {
                summary {
                    (language.pick(
                        format!("其余 {} 个取值", folded.len()),
                        format!("{} further values", folded.len()),
                    ))
                }
                (self.field_table(&by.field, folded))
            }
        }
    }

    fn field_table(&self, field: &str, values: &[(&String, &Metrics)]) -> Table {
        let language = self.language;
        let name = match field {
            LENGTH_FIELD => language.pick("评价字数", "Length in characters"),
            field => field,
        };
        let gap = if name.starts_with(|c: char| c.is_ascii()) { " " } else { "" };
        let headings = language.pick(
            ["条数", "准确率", "95% 区间", "宏平均 F1", "对数损失"],
            ["Comments", "Accuracy", "95% interval", "Macro F1", "Log loss"],
        );
        let recall = (0..self.labels.len()).map(|class| {
            let label = self.label(class);
            language.pick(format!("“{label}”召回率"), format!("Recall of {label}"))
        });
        let columns = [Column::text(name)]
            .into_iter()
            .chain(headings.into_iter().map(str::to_owned).chain(recall).map(Column::number));
        let mut table = Table::new(
            language.pick(format!("按{gap}{name}"), format!("By {}", name.to_lowercase())),
            columns,
        );
        for &(value, metrics) in values {
            let (low, high) = wilson_interval(metrics.accuracy, metrics.rows);
            let text = |text: String| html! { (text) };
            let value =
                if value.is_empty() { language.pick("（空）", "(empty)") } else { value };
            let mut cells: Vec<Markup> = vec![
                text(value.trim().to_owned()),
                text(NumberFormat::Count.write(metrics.rows as f64)),
                meter(metrics.accuracy),
                text(format!("{} – {}", percent(low), percent(high))),
                text(percent(metrics.macro_f1)),
                text(decimal(metrics.log_loss)),
            ];
            cells.extend(metrics.classes.iter().map(|class| {
                let recall = if class.support == 0 { f64::NAN } else { class.recall };
                text(percent(recall))
            }));
            table.row(cells);
        }
        table
    }

    pub(super) fn learning(&self) -> Section {
        let language = self.language;
        let points = &self.learning_curve;
        let spread = |figure: fn(&super::LearningPoint) -> super::Spread, name: &str, tone| {
            let line = points.iter().map(|point| (point.rows, figure(point).mean)).collect();
            let reach = points.iter().map(|point| (figure(point).lowest, figure(point).highest));
            Series::new(name, tone, LineShape::Dotted, line).spread(reach.collect())
        };
        let accuracy = language.pick("准确率", "Accuracy");
        let macro_f1 = language.pick("宏平均 F1", "Macro F1");
        let all = || points.iter().flat_map(|point| [point.accuracy, point.macro_f1]);
        let lowest = all().map(|spread| spread.lowest).fold(1.0, f64::min);
        let highest = all().map(|spread| spread.highest).fold(0.0, f64::max);
        let most = points.iter().map(|point| point.rows).fold(0.0, f64::max);
        let chart = LineChart {
            title: language.pick("学习曲线", "Learning curve").to_owned(),
            x: Axis::linear(
                language.pick("训练用的评价条数", "Comments trained on"),
                0.0,
                most,
                NumberFormat::Count,
            ),
            y: Axis::linear("", lowest, highest, NumberFormat::Percent(0))
                .values_as(NumberFormat::Percent(1)),
            series: vec![
                spread(|point| point.macro_f1, macro_f1, Tone::Series(1)),
                spread(|point| point.accuracy, accuracy, Tone::Series(0)),
            ],
        };
        let headings = language.pick(
            ["训练数据", "条数", "准确率", "各折最低 – 最高", "宏平均 F1"],
            ["Data", "Comments", "Accuracy", "Folds, lowest – highest", "Macro F1"],
        );
        let mut table = Table::new(
            language.pick("训练数据越多", "With more data"),
            headings.map(Column::number),
        );
        for point in points {
            table.row([
                NumberFormat::Percent(0).write(point.share),
                NumberFormat::Count.write(point.rows),
                percent(point.accuracy.mean),
                format!("{} – {}", percent(point.accuracy.lowest), percent(point.accuracy.highest)),
                percent(point.macro_f1.mean),
            ]);
        }
        section(
            "learning",
            language.pick("再多标一些有用吗", "Would more labels help"),
            language.pick(
                "训练时用越来越多的数据重新训练，每次都在没有见过的那一折上打分。曲线还在上升，\
                 多标数据就还有用；已经走平，就该先改标注质量或模型。竖线是各折的最低和最高。",
                "Measured in training: trained on growing shares of the data, each time scored on \
                 the fold left out. While the curve rises, more labels help; where it is flat, \
                 better ones do. Upright lines are the lowest and highest fold.",
            ),
            grid([chart.render(), table.render()]),
        )
    }
}

/// A share as a number on a bar.
fn meter(share: f64) -> Markup {
    html! { span.meter style=(format!("--share:{share:.3}")) { (percent(share)) } }
}
