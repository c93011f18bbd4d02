//! HTML pages for people: a page shell, tables, highlighted text and charts.
//!
//! A page is one file that needs nothing else: its style and its charts (inline SVG) stand in it,
//! there is no script, and a content security policy forbids a browser to fetch anything. All
//! text is escaped by the templates (maud). The same data give the same bytes.
//!
//! Charts are drawn here and not by a plotting library: those put colours into the picture, while
//! ours come from the page's style, follow its light and dark colours, and have words for readers
//! who cannot see them.
//!
//! This room knows numbers and words, and nothing of models or records.
//!
//! # Examples
//!
//! ```
//! use maud::html;
//! use postloan::report::*;
//!
//! let bars = BarChart {
//!     title: "各标签的笔数".to_owned(),
//!     format: NumberFormat::Count,
//!     highest: None,
//!     bars: vec![
//!         Bar::new("贷款正常", 5040.0).tone(Tone::Good),
//!         Bar::new("有风险", 700.0).tone(Tone::Bad),
//!     ],
//! };
//! let page = Page {
//!     sections: vec![Section::new("labels", "标签", html! { (bars) })],
//!     ..Page::new(Language::Chinese, "夜间批次报告")
//! };
//! let document = page.to_html();
//! assert!(document.starts_with("<!DOCTYPE html>"));
//! assert!(document.contains("5,040"));
//! ```

mod chart;
mod highlight;
mod language;
mod number;
mod page;
mod table;

pub use chart::{
    Axis, Bar, BarChart, HeatMap, LineChart, LineShape, ReliabilityBin, ReliabilityDiagram, Series,
    StackedBars, StackedSeries, Tone,
};
pub use highlight::{HighlightedText, Span};
pub use language::Language;
pub use number::NumberFormat;
pub use page::{KeyFigure, Page, Section};
pub use table::{Column, Table};
