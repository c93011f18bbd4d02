//! The normal form of a comment, with the way back to the original bytes.

use std::iter;
use std::ops::Range;

use super::alignment::Alignment;
use super::character_kinds::is_ideograph;
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
        let mut end = 0;
        while let Some(first) = original[end..].chars().next() {
            let start = end;
            if is_ideograph(first) {
                end += ideographs(&original[start..]);
            }
            if end > start {
                self.fill(&mut gap, &(start..end));
                self.append(&original[start..end], start..end);
                continue;
            }
            end += first.len_utf8();
            let mut alone = true;
            while let Some(next) = original[end..].chars().next() {
                if is_normalization_boundary(next) {
                    break;
                }
                alone = false;
                end += next.len_utf8();
            }
            let source = start..end;
            match lower_case_of_simple(first).filter(|_| alone) {
                Some(lower) => self.push(lower, source, &mut gap),
                None => {
                    for normal in original[source.clone()].nfkc() {
                        for lower in normal.to_lowercase() {
                            self.push(lower, source.clone(), &mut gap);
                        }
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
        if !is_printed(c) {
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
        }
        self.fill(gap, &source);
        self.append(c.encode_utf8(&mut [0; 4]), source);
    }

    /// Puts what stands for the white space before `source`, if there is any.
    fn fill(&mut self, gap: &mut Gap, source: &Range<usize>) {
        if let Gap::Space { source: from } | Gap::Line { source: from } = *gap {
            if !self.text.is_empty() {
                let space = if matches!(*gap, Gap::Line { .. }) { "\n" } else { " " };
                // A space and a combining mark on it are one piece of the original.
                let gap = if from < source.start { from..source.start } else { source.clone() };
                self.append(space, gap);
            }
            *gap = Gap::None;
        }
    }

    fn append(&mut self, normal: &str, source: Range<usize>) {
        self.alignment.push(self.text.len(), normal.len(), source);
        self.text.push_str(normal);
    }
}

/// The longest prefix of `text` of at most `limit` bytes that ends between characters.
fn truncate(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// How many bytes at the start of `text` are ideographs that are their own normal form, whatever
/// follows them: nearly all of a comment. U+4E00 to U+9FFF are the bytes E4 B8 80 to E9 BF BF.
fn ideographs(text: &str) -> usize {
    let is_one = |bytes: &[u8]| matches!(bytes, [0xE5..=0xE9, ..] | [0xE4, 0xB8..=0xBF, ..]);
    let length = 3 * text.as_bytes().chunks_exact(3).take_while(|bytes| is_one(bytes)).count();
    match text[length..].chars().next() {
        // What follows may join the last one.
        Some(next) if !is_normalization_boundary(next) => length.saturating_sub(3),
        _ => length,
    }
}

/// The lower case of the NFKC form of `c`, standing alone, where both are known without the
/// tables: a fast answer for nearly every character of a comment. Such a character joins none
/// before it, and is no white space other than ASCII's.
fn lower_case_of_simple(c: char) -> Option<char> {
    match c {
        '\0'..='\x7F' => Some(c.to_ascii_lowercase()),
        '\u{4E00}'..='\u{9FFF}' | '\u{3001}' | '\u{3002}' | '\u{201C}' | '\u{201D}' => Some(c),
        // Full-width forms of ASCII, in its order.
        '\u{FF01}'..='\u{FF5E}' => {
            char::from_u32(u32::from(c) - 0xFF01 + 0x21).map(|c| c.to_ascii_lowercase())
        }
        _ => None,
    }
}

/// Whether a text may be normalised in two halves, the second of which begins with `c`.
///
/// That is so when the first character of its decomposition is a starter (UAX #15) that composes
/// with nothing before it.
fn is_normalization_boundary(c: char) -> bool {
    lower_case_of_simple(c).is_some() || is_boundary_by_the_tables(c)
}

fn is_boundary_by_the_tables(c: char) -> bool {
    let Some(first) = iter::once(c).nfkd().next() else {
        return true;
    };
    canonical_combining_class(first) == 0 && is_nfc_quick(iter::once(first)) != IsNormalized::Maybe
}

/// Whether `c` is known, without a further question, to be neither white space nor invisible.
fn is_printed(c: char) -> bool {
    matches!(c, '!'..='~' | '\u{3001}' | '\u{3002}') || is_ideograph(c)
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
    fn what_is_known_without_the_tables_is_what_they_say() {
        let mut simple = 0;
        for c in '\0'..=char::MAX {
            assert!(!is_printed(c) || !c.is_whitespace() && !is_invisible(c), "{c:?}");
            if let Some(lower) = lower_case_of_simple(c) {
                let by_tables: String = iter::once(c).nfkc().flat_map(char::to_lowercase).collect();
                assert_eq!(by_tables, lower.to_string(), "{c:?}");
                assert!(is_boundary_by_the_tables(c), "{c:?}");
                simple += 1;
            }
            let text = c.to_string();
            assert_eq!(ideographs(&text), if is_ideograph(c) { 3 } else { 0 }, "{c:?}");
        }
        assert_eq!(simple, 128 + 0x5200 + 4 + 94);
        // What may be joined from behind is left to the tables.
        assert_eq!(
            (ideographs("逾期贷"), ideographs("逾期\u{301}"), ideographs("\u{301}")),
            (9, 3, 0)
        );
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
