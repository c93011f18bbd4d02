//! A comment's terms, each with the bytes of the original it came from.

use std::ops::Range;

use super::dictionary::StopWords;
use super::normalization::NormalizedText;
use super::segmenter::Segmenter;

/// Turns comments into terms. Immutable, and shared by all threads.
///
/// # Examples
///
/// ```
/// use postloan::text::{AnalyzedText, Analyzer, Segmenter, StopWords, UserDictionary};
///
/// let dictionary = UserDictionary::banking()?;
/// let analyzer = Analyzer::new(Segmenter::new(&dictionary), StopWords::default());
///
/// let comment = "该客户已失联，月供逾期。";
/// let mut analyzed = AnalyzedText::default();
/// analyzer.analyze(comment, &mut analyzed);
///
/// assert_eq!(analyzed.terms().collect::<Vec<_>>(), ["该", "客户", "已", "失联", "月供", "逾期"]);
/// assert_eq!(&comment[analyzed.source_range(3..4)], "失联");
/// # Ok::<(), postloan::text::DictionaryError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Analyzer {
    segmenter: Segmenter,
    stop_words: StopWords,
}

impl Analyzer {
    /// An analyzer that cuts by `segmenter` and leaves out `stop_words`.
    #[must_use]
    pub fn new(segmenter: Segmenter, stop_words: StopWords) -> Self {
        Self { segmenter, stop_words }
    }

    /// The segmenter it cuts by.
    #[must_use]
    pub fn segmenter(&self) -> &Segmenter {
        &self.segmenter
    }

    /// Replaces the contents of `analyzed` by the terms of `comment`.
    ///
    /// A term is a word with at least one letter, ideograph or digit in it that is no stop word.
    pub fn analyze(&self, comment: &str, analyzed: &mut AnalyzedText) {
        let AnalyzedText { normalized, terms } = analyzed;
        normalized.assign(comment);
        terms.clear();
        let text = normalized.as_str();
        self.segmenter.for_each_word(text, |range| {
            let word = &text[range.clone()];
            if word.contains(is_meaningful) && !self.stop_words.contains(word) {
                terms.push(range);
            }
        });
    }
}

/// Whether `c` is a letter, ideograph or digit.
fn is_meaningful(c: char) -> bool {
    // Nearly every character of a comment; the tables are slower.
    matches!(c, '\u{4E00}'..='\u{9FFF}') || c.is_alphanumeric()
}

/// The terms of one comment, in order. Its buffers are reused from comment to comment.
#[derive(Debug, Default, Clone)]
pub struct AnalyzedText {
    normalized: NormalizedText,
    /// The byte range of each term in the normal form.
    terms: Vec<Range<usize>>,
}

impl AnalyzedText {
    /// The terms in normal form.
    #[must_use]
    pub fn terms(&self) -> Terms<'_> {
        Terms { text: self.normalized.as_str(), ranges: self.terms.iter() }
    }

    /// Whether nothing visible was in the comment.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.normalized.as_str().is_empty()
    }

    /// The byte range in the original comment from the first to the last of the terms whose
    /// positions are `terms`. Empty if there is no such term.
    #[must_use]
    pub fn source_range(&self, terms: Range<usize>) -> Range<usize> {
        match self.terms.get(terms).unwrap_or_default() {
            [] => 0..0,
            [first, .., last] => self.normalized.source_range(first.start..last.end),
            [only] => self.normalized.source_range(only.clone()),
        }
    }
}

/// The terms of an [`AnalyzedText`], in order.
#[derive(Debug, Clone)]
pub struct Terms<'a> {
    text: &'a str,
    ranges: std::slice::Iter<'a, Range<usize>>,
}

impl<'a> Iterator for Terms<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.ranges.next().map(|range| &self.text[range.clone()])
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranges.size_hint()
    }
}

impl ExactSizeIterator for Terms<'_> {}

#[cfg(test)]
mod tests {
    use super::super::dictionary::UserDictionary;
    use super::*;

    fn analyzer(stop_words: &str) -> Analyzer {
        let dictionary = UserDictionary::parse("失联 9999\n").unwrap();
        Analyzer::new(Segmenter::new(&dictionary), StopWords::parse(stop_words).unwrap())
    }

    fn terms(analyzer: &Analyzer, comment: &str) -> Vec<String> {
        let mut analyzed = AnalyzedText::default();
        analyzer.analyze(comment, &mut analyzed);
        analyzed.terms().map(str::to_owned).collect()
    }

    #[test]
    fn punctuation_and_white_space_are_no_terms() {
        assert_eq!(terms(&analyzer(""), "  已 失联 ！！ 30%。"), ["已", "失联", "30%"]);
        assert!(terms(&analyzer(""), "……！").is_empty());
    }

    #[test]
    fn stop_words_are_left_out() {
        assert_eq!(terms(&analyzer("已\n"), "已失联"), ["失联"]);
    }

    #[test]
    fn width_case_and_line_ends_do_not_change_the_terms() {
        let analyzer = analyzer("");
        let plain = terms(&analyzer, "已逾期120天,M3客户失联");
        assert_eq!(terms(&analyzer, "\u{feff}已逾期１２０天，Ｍ３客户失联\r\n"), plain);
    }

    #[test]
    fn each_term_points_at_its_own_words_in_the_original() {
        let comment = "　客户　ＬＴＶ　㎡，\n已失\u{200b}联";
        let mut analyzed = AnalyzedText::default();
        analyzer("").analyze(comment, &mut analyzed);
        let words: Vec<&str> = (0..analyzed.terms().len())
            .map(|i| &comment[analyzed.source_range(i..i + 1)])
            .collect();
        assert_eq!(words, ["客户", "ＬＴＶ", "㎡", "已", "失\u{200b}联"]);
        assert_eq!(&comment[analyzed.source_range(3..5)], "已失\u{200b}联");
        assert!(analyzed.source_range(5..6).is_empty());
    }
}
