//! The report page: every chart on one page, the same bytes each time, nothing unescaped.

use maud::{Render, html};
use postloan::report::*;

fn bars() -> BarChart {
    BarChart {
        title: "各标签的笔数".to_owned(),
        format: NumberFormat::Count,
        highest: None,
        bars: vec![
            Bar::new("贷款正常", 5040.0).tone(Tone::Good),
            Bar::new("关注风险", 1260.0).tone(Tone::Caution),
            Bar::new("有风险 <script>", 700.0).tone(Tone::Bad).text("700 (10%)"),
        ],
    }
}

fn lines() -> LineChart {
    let curve =
        |power: f64| (0..=20).map(|x| f64::from(x) / 20.0).map(move |x| (x, 1.0 - x.powf(power)));
    let learning = [(1000.0, 0.81), (3000.0, 0.87), (6000.0, 0.90), (12000.0, 0.92)];
    let spread = learning.iter().map(|&(_, y)| (y - 0.02, y + 0.015)).collect();
    LineChart {
        title: "精确率与召回率".to_owned(),
        x: Axis::share("召回率").values_as(NumberFormat::Percent(1)),
        y: Axis::share("精确率").values_as(NumberFormat::Percent(1)),
        series: vec![
            Series::new("有风险", Tone::Bad, LineShape::Steps, curve(6.0).collect()),
            Series::new("关注风险", Tone::Caution, LineShape::Straight, curve(3.0).collect()),
            Series::new("随机", Tone::Neutral, LineShape::Straight, vec![(0.0, 0.3), (1.0, 0.3)])
                .broken(),
            Series::new(
                "点",
                Tone::Series(3),
                LineShape::Dotted,
                learning.iter().map(|&(x, y)| (x / 12000.0, y)).collect(),
            )
            .spread(spread),
        ],
    }
}

fn stacked() -> StackedBars {
    let values = |share: f64| (0..30).map(|day| share + 0.03 * f64::from(day % 5) / 4.0).collect();
    StackedBars {
        title: "每晚各标签的占比".to_owned(),
        names: (1..=30).map(|day| format!("11-{day:02}")).collect(),
        y: Axis::share("占比").values_as(NumberFormat::Percent(1)),
        series: vec![
            StackedSeries {
                name: "贷款正常".to_owned(), tone: Tone::Good, values: values(0.72)
            },
            StackedSeries {
                name: "关注风险".to_owned(),
                tone: Tone::Caution,
                values: values(0.15),
            },
            StackedSeries { name: "有风险".to_owned(), tone: Tone::Bad, values: values(0.05) },
        ],
    }
}

fn heat_map() -> HeatMap {
    HeatMap {
        title: "混淆矩阵".to_owned(),
        row_axis: "人工标签".to_owned(),
        column_axis: "模型标签".to_owned(),
        names: ["贷款正常", "关注风险", "有风险"].map(str::to_owned).to_vec(),
        counts: vec![vec![4520, 310, 58], vec![402, 4300, 266], vec![60, 210, 4534]],
    }
}

fn reliability() -> ReliabilityDiagram {
    let bin =
        |confidence: f64, count| ReliabilityBin { confidence, accuracy: confidence * 0.97, count };
    ReliabilityDiagram {
        title: "可靠性图".to_owned(),
        confidence: "模型给出的概率".to_owned(),
        accuracy: "实际正确的比例".to_owned(),
        diagonal: "说多少就是多少".to_owned(),
        bins: vec![bin(0.45, 120), bin(0.65, 700), bin(0.85, 2400), bin(0.98, 11000), bin(0.2, 0)],
    }
}

fn page() -> Page {
    let mut table = Table::new(
        "按字段",
        [Column::text("贷款类型"), Column::number("笔数"), Column::number("准确率")],
    );
    table.row(["个人住房按揭", "1,204", "94.1%"]).row(["小微经营贷", "820", "89.9%"]);
    let text = "多次上门无人，电话停机，疑似失联，已欠息三个月。";
    let marked = HighlightedText {
        text,
        spans: vec![
            Span { range: 21..33, tone: Tone::Bad, strength: 0.4, note: "+0.41".to_owned() },
            Span { range: 36..48, tone: Tone::Bad, strength: 1.0, note: "+1.20".to_owned() },
        ],
    };
    Page {
        subtitle: "post-loan-risk/1，14,660 条".to_owned(),
        warnings: vec!["模型用这些评价训练过。".to_owned()],
        figures: vec![
            KeyFigure::new("准确率", "92.2%").note("宏平均 F1 0.92").tone(Tone::Good),
            KeyFigure::new("有风险召回率", "94.6%").tone(Tone::Bad),
        ],
        sections: vec![
            Section::new(
                "charts",
                "图表",
                html! { div.grid { (bars()) (lines()) (stacked()) (heat_map()) (reliability()) } },
            )
            .lead("各种图表。"),
            Section::new("table", "表格", table.render()),
            Section::new(
                "text",
                "文字",
                html! { article { p.about { "a01-0001" } p { (marked) } } },
            ),
        ],
        footer: "postloan 0.1.0".to_owned(),
        ..Page::new(Language::Chinese, "评估报告")
    }
}

#[test]
fn the_same_data_give_the_same_bytes() {
    assert_eq!(page().to_html(), page().to_html());
}

#[test]
fn every_chart_says_its_numbers_in_words_too() {
    let html = page().to_html();
    for words in [
        "aria-label=\"各标签的笔数: 贷款正常 5,040",
        "有风险 &lt;script&gt; 700 (10%)",
        "贷款正常 → 关注风险: 310 (6.3%)",
        "98.0% → 95.1% (11,000)",
        "11-01: 贷款正常 72.0%, 关注风险 15.0%, 有风险 5.0%",
        "点: 50.0%, 90.0%",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert_eq!(html.matches("<svg").count(), 5);
    assert_eq!(html.matches("role=\"img\"").count(), 5);
    assert!(!html.contains("<script"));
}

#[test]
fn charts_of_nothing_are_drawn_all_the_same() {
    let empty = html! {
        (BarChart { bars: vec![], ..bars() })
        (LineChart { series: vec![], ..lines() })
        (StackedBars { names: vec![], ..stacked() })
        (HeatMap { names: vec![], counts: vec![], ..heat_map() })
        (ReliabilityDiagram { bins: vec![], ..reliability() })
    }
    .into_string();
    assert!(!empty.contains("NaN") && !empty.contains("inf"), "{empty}");
}
