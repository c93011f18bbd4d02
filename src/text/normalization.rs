//! The normal form of a comment, with the way back to the original bytes.

use std::iter;
use std::ops::Range;

use super::alignment::Alignment;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A comment in normal form, and for every byte of it the bytes of the original it came from.
///
/// The normal form is Unicode NFKC (which also turns full-width letters, digits and punctuation
/// into half-width ones), then lower case, then:
///
/// - a run of white space becomes one space, or one line feed if a line break is in it;
/// - white space at either end goes;
/// - control characters, invisible format characters (zero-width space, byte-order mark, soft
///   hyphen, direction marks) and private-use characters, which mean nothing here, go, so that a word they were pasted into is whole again.
///
/// The buffers are reused from one comment to the next by [`assign`](Self::assign).
///
/// # Examples
///
/// ```
/// use postloan::text::NormalizedText;
///
/// let original = "逾期 １２\u{200b}０ 天，已Ｍ３";
/// let mut normalized = NormalizedText::default();
/// normalized.assign(original);
/// assert_eq!(normalized.as_str(), "逾期 120 天,已m3");
///
/// let digits = normalized.as_str().find("120").unwrap();
/// let source = normalized.source_range(digits..digits + 3);
/// assert_eq!(&original[source], "１２\u{200b}０");
/// ```
#[derive(Debug, Default, Clone)]
pub struct NormalizedText {
    text: String,
    alignment: Alignment,
}

/// White space seen since the last character that was kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Space { source: usize },
    Line { source: usize },
}

impl NormalizedText {
    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Replaces the contents by the normal form of `original`.
    ///
    /// Texts of 4 GiB and more are cut there; nothing that comes through a reader of
    /// [`crate::records`] is that long.
    pub fn assign(&mut self, original: &str) {
        self.text.clear();
        self.alignment.clear();
        let original = truncate(original, u32::MAX as usize);
        let mut gap = Gap::None;
        let mut chars = original.char_indices().peekable();
        while let Some((start, first)) = chars.next() {
            let mut end = start + first.len_utf8();
            let mut alone = true;
            while let Some(&(_, next)) = chars.peek() {
                if is_normalization_boundary(next) {
                    break;
                }
                alone = false;
                end += next.len_utf8();
                chars.next();
            }
            let source = start..end;
            if alone && is_stable(first) {
                self.push(first.to_ascii_lowercase(), source, &mut gap);
            } else {
                for normal in original[source.clone()].nfkc() {
                    for lower in normal.to_lowercase() {
                        self.push(lower, source.clone(), &mut gap);
                    }
                }
            }
        }
    }

    /// The byte range of the original that the byte range `range` of the normal form came from.
    ///
    /// `range` must lie on character boundaries of [`as_str`](Self::as_str); an empty range gives
    /// an empty range.
    #[must_use]
    pub fn source_range(&self, range: Range<usize>) -> Range<usize> {
        self.alignment.source_range(range)
    }

    fn push(&mut self, c: char, source: Range<usize>, gap: &mut Gap) {
        if is_line_break(c) {
            *gap = match *gap {
                Gap::Line { source } | Gap::Space { source } => Gap::Line { source },
                Gap::None => Gap::Line { source: source.start },
            };
            return;
        }
        if c.is_whitespace() {
            if *gap == Gap::None {
                *gap = Gap::Space { source: source.start };
            }
            return;
        }
        if is_invisible(c) {
            return;
        }
        if let Gap::Space { source: from } | Gap::Line { source: from } = *gap {
            if !self.text.is_empty() {
                let space = if matches!(*gap, Gap::Line { .. }) { '\n' } else { ' ' };
                // A space and a combining mark on it are one piece of the original.
                let gap = if from < source.start { from..source.start } else { source.clone() };
                self.append(space, gap);
            }
            *gap = Gap::None;
        }
        self.append(c, source);
    }

    fn append(&mut self, c: char, source: Range<usize>) {
        self.alignment.push(self.text.len(), c.len_utf8(), source);
        self.text.push(c);
    }
}

/// The longest prefix of `text` of at most `limit` bytes that ends between characters.
fn truncate(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// Whether `c`, standing alone, is its own NFKC form, and neither joins the character before it
/// nor is white space other than ASCII's. A fast answer for nearly every character of a comment;
/// `false` only means "ask the tables".
fn is_stable(c: char) -> bool {
    c.is_ascii()
        || matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3001}' | '\u{3002}' | '\u{201C}' | '\u{201D}')
}

/// Whether a text may be normalised in two halves, the second of which begins with `c`.
///
/// That is so when the first character of its decomposition is a starter (UAX #15) that composes
/// with nothing before it.
fn is_normalization_boundary(c: char) -> bool {
    if is_stable(c) {
        return true;
    }
    let Some(first) = iter::once(c).nfkd().next() else {
        return true;
    };
    canonical_combining_class(first) == 0 && is_nfc_quick(iter::once(first)) != IsNormalized::Maybe
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Control characters and format characters that are not seen in print.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalize(text: &str) -> NormalizedText {
        let mut normalized = NormalizedText::default();
        normalized.assign(text);
        normalized
    }

    #[test]
    fn full_width_letters_digits_and_punctuation_become_half_width_and_lower_case() {
        assert_eq!(normalize("ＡＢｃ１２３，（Ｍ３）：％").as_str(), "abc123,(m3):%");
    }

    #[test]
    fn white_space_is_folded_and_a_line_break_survives_in_it() {
        assert_eq!(normalize(" \t还款\u{3000} 正常 \r\n \n逾期 \n").as_str(), "还款 正常\n逾期");
    }

    #[test]
    fn control_and_zero_width_characters_do_not_cut_a_word() {
        assert_eq!(normalize("逾\u{0}\u{200b}期\u{feff}").as_str(), "逾期");
    }

    #[test]
    fn a_text_of_nothing_visible_is_empty() {
        assert_eq!(normalize(" \u{3000}\n\u{200b}\u{7}").as_str(), "");
        assert_eq!(normalize("").source_range(0..0), 0..0);
    }

    #[test]
    fn every_part_of_an_expanded_character_points_at_the_whole_of_it() {
        let text = "共㎡数";
        let normalized = normalize(text);
        assert_eq!(normalized.as_str(), "共m2数");
        assert_eq!(&text[normalized.source_range(3..4)], "㎡");
        assert_eq!(&text[normalized.source_range(4..5)], "㎡");
        assert_eq!(&text[normalized.source_range(0..8)], text);
    }

    #[test]
    fn a_base_and_its_combining_mark_compose_and_point_at_both() {
        let text = "e\u{301}贷ｶﾞ";
        let normalized = normalize(text);
        assert_eq!(normalized.as_str(), "é贷ガ");
        assert_eq!(normalized.source_range(0..2), 0..3);
        assert_eq!(&text[normalized.source_range(5..8)], "ｶﾞ");
    }

    #[test]
    fn a_mark_on_a_space_keeps_both_in_the_original() {
        let normalized = normalize("% \u{301}");
        assert_eq!(normalized.as_str(), "% \u{301}");
        assert_eq!(normalized.source_range(1..2), 1..4);
        assert_eq!(normalized.source_range(2..4), 1..4);
    }

    proptest! {
        #[test]
        fn equals_unicode_nfkc_in_lower_case_where_there_is_no_space(text in "\\PC*") {
            let expected: String = text
                .nfkc()
                .flat_map(char::to_lowercase)
                .filter(|c| !c.is_whitespace() && !is_invisible(*c))
                .collect();
            let got: String =
                normalize(&text).as_str().chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn every_source_range_lies_on_characters_of_the_original_and_in_order(
            text in "[a-zＡ-Ｚ①-⑳㎡一-鿿 \\n\u{3000}\u{301}ﾞｶ\u{200b}，。%]{0,40}"
        ) {
            let normalized = normalize(&text);
            let mut last_start = 0;
            for (start, c) in normalized.as_str().char_indices() {
                let source = normalized.source_range(start..start + c.len_utf8());
                prop_assert!(text.get(source.clone()).is_some_and(|s| !s.is_empty()));
                prop_assert!(source.start >= last_start);
                last_start = source.start;
            }
        }

        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}") {
            // A lower-case letter may compose anew, so one further round is allowed to settle.
            let once = normalize(normalize(&text).as_str());
            let twice = normalize(once.as_str());
            prop_assert_eq!(once.as_str(), twice.as_str());
        }
    }
}
