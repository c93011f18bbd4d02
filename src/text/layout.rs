//! Where a text's layout begins a sentence or a clause without a stop: items of numbered lists,
//! fields of forms, blanks.

/// What begins at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    Clause,
    Sentence,
}

/// Replaces `places` by where, in bytes of a normalised `text`, its layout begins sentences and
/// clauses, in order.
pub(super) fn find(text: &str, places: &mut Vec<(usize, Begins)>) {
    places.clear();
    let mut before = '\n';
    for (place, c) in text.char_indices() {
        let begins = match c {
            '【' | '[' => Some(Begins::Sentence),
            '0'..='9' | '一'..='十' | '(' if stands_first(before) => {
                is_marker(&text[place..]).then_some(Begins::Sentence)
            }
            _ => None,
        };
        let begins = begins.or(match before {
            '|' => Some(Begins::Sentence),
            '】' | ']' => Some(Begins::Clause),
            ' ' if is_ideograph(c) && follows_ideograph(&text[..place]) => Some(Begins::Clause),
            _ => None,
        });
        if let Some(begins) = begins
            && place > 0
        {
            places.push((place, begins));
        }
        before = c;
    }
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}')
}

/// Whether the blank at the end of `text` stands behind an ideograph.
fn follows_ideograph(text: &str) -> bool {
    text.chars().rev().nth(1).is_some_and(is_ideograph)
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
    use super::*;

    /// `text` with / where a clause and // where a sentence begins.
    fn split(text: &str) -> String {
        let mut places = Vec::new();
        find(text, &mut places);
        let mut shown = String::new();
        let mut copied = 0;
        for (place, begins) in places {
            shown += &text[copied..place];
            shown += if begins == Begins::Sentence { "//" } else { "/" };
            copied = place;
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
