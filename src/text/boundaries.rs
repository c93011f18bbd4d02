//! Where the stops and the layout of a text begin sentences and clauses.

use super::character_kinds::{Kinds, is_ideograph};
use super::marks::Mark;

/// The parts of characters at which something may begin, or behind which.
pub(super) const BOUNDARIES: Kinds = Kinds::LAYOUT.and(Kinds::STOP);

/// What is at a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundary {
    /// A stop that ends a sentence stands before it.
    Stop,
    /// By the layout, a clause begins there.
    Clause,
    /// By the layout, a sentence begins there: an item of a numbered list, a field of a form.
    Sentence,
}

/// A boundary and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) byte: usize,
    /// How many characters stand before it.
    pub(super) character: usize,
    pub(super) boundary: Boundary,
}

/// Replaces `places` by the boundaries in a normalised `text`, in order; those of the layout only
/// if `layout` says so. `marks` are at least the [`BOUNDARIES`] in it.
pub(super) fn find(text: &str, marks: &[Mark], layout: bool, places: &mut Vec<Place>) {
    places.clear();
    let mut put = |byte: usize, character, boundary| match places.last_mut() {
        _ if byte == 0 || byte >= text.len() => {}
        // A sentence that begins behind a stop, or what else there is.
        Some(last) if last.byte == byte => last.boundary = boundary,
        _ => places.push(Place { byte, character, boundary }),
    };
    for mark in marks {
        let (before, rest) = text.split_at(mark.byte);
        let Some(c) = rest.chars().next() else {
            continue;
        };
        let behind = mark.byte + c.len_utf8();
        if mark.kinds.has(Kinds::STOP) {
            put(behind, mark.character + 1, Boundary::Stop);
        }
        if !layout || !mark.kinds.has(Kinds::LAYOUT) {
            continue;
        }
        let begins_sentence = match c {
            '【' | '[' => true,
            '0'..='9' | '一'..='十' | '(' => {
                before.chars().next_back().is_none_or(stands_first) && is_marker(rest)
            }
            _ => false,
        };
        if begins_sentence {
            put(mark.byte, mark.character, Boundary::Sentence);
        }
        match c {
            '|' => put(behind, mark.character + 1, Boundary::Sentence),
            '】' | ']' => put(behind, mark.character + 1, Boundary::Clause),
            ' ' if before.ends_with(is_ideograph) && text[behind..].starts_with(is_ideograph) => {
                put(behind, mark.character + 1, Boundary::Clause);
            }
            _ => {}
        }
    }
}

/// Whether `c`, in a normalised text, ends a sentence.
pub(super) fn ends_sentence(c: char) -> bool {
    matches!(c, '。' | ';' | '!' | '?' | '\n')
}

/// Whether `c` may begin a clause or a sentence by the layout, at its place or behind it.
pub(super) fn is_layout(c: char) -> bool {
    matches!(c, '【' | '】' | '[' | ']' | '0'..='9' | '一'..='十' | '(' | '|' | ' ')
}

/// Whether a list item may begin behind `before`.
fn stands_first(before: char) -> bool {
    matches!(before, '\n' | ' ' | '。' | ';' | ',' | ':' | '!' | '?' | '】' | ')')
}

/// Whether the number of a list item stands here: 1、 1. (1) (一) 一、
fn is_marker(text: &str) -> bool {
    let (bracketed, text) = match text.strip_prefix('(') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let is_digit = |c: char| c.is_ascii_digit();
    let is_numeral = |c: char| "一二三四五六七八九十".contains(c);
    let after_digits = text.trim_start_matches(is_digit);
    let digits = text.len() - after_digits.len();
    let after_numerals = text.trim_start_matches(is_numeral);
    let numerals = (text.len() - after_numerals.len()) / '一'.len_utf8();
    let (count, after) =
        if digits > 0 { (digits, after_digits) } else { (numerals, after_numerals) };
    if !(1..=2).contains(&count) {
        return false;
    }
    if bracketed {
        return after.starts_with(')');
    }
    match after.chars().next() {
        Some('、') => true,
        Some('.' | ')') => digits > 0 && !after[1..].starts_with(is_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks;
    use super::*;

    /// `text` with / where a clause and // where a sentence begins.
    fn split(text: &str) -> String {
        let (mut marks, mut places) = (Vec::new(), Vec::new());
        marks::find(text, BOUNDARIES, &mut marks);
        find(text, &marks, true, &mut places);
        places.retain(|place| place.boundary != Boundary::Stop);
        let mut shown = String::new();
        let mut copied = 0;
        for Place { byte, character, boundary } in places {
            assert_eq!(text[..byte].chars().count(), character);
            shown += &text[copied..byte];
            shown += if boundary == Boundary::Sentence { "//" } else { "/" };
            copied = byte;
        }
        shown + &text[copied..]
    }

    #[test]
    fn items_of_lists_begin_sentences() {
        for (text, expected) in [
            ("1、正常 2、失联", "1、正常 //2、失联"),
            ("检查:1.房产在,2.人在", "检查://1.房产在,//2.人在"),
            ("(一)还款。(二)担保", "(一)还款。//(二)担保"),
            ("一、核房,二、核人", "一、核房,//二、核人"),
            ("欠1.5万,3.2万", "欠1.5万,3.2万"),
            ("一家、两家", "一家、两家"),
        ] {
            assert_eq!(split(text), expected);
        }
    }

    #[test]
    fn fields_and_blanks_begin_sentences_and_clauses() {
        assert_eq!(split("【还款】正常【担保】有效"), "【还款】/正常//【担保】/有效");
        assert_eq!(split("还款正常|担保有效"), "还款正常|//担保有效");
        assert_eq!(split("人在 店开着 m3 客户"), "人在 /店开着 m3 客户");
    }
}
