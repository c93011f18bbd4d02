//! Symbols that stand for a class of words, such as a number of days.
//!
//! In a text that is being worked on, a symbol is one private-use character, of which none is
//! left in a normalised comment. In a file it is its name in brackets, such as `⟨31–60天⟩`.

use std::borrow::Cow;

/// The names of all symbols, in the order of their characters. Models are written with the
/// names, so that new ones may be put anywhere.
const NAMES: [&str; 60] = [
    "年份",
    "日期",
    "数", //
    "≤3天",
    "4–10天",
    "11–30天",
    "31–60天",
    "61–90天",
    "91–180天",
    ">180天", //
    "≤1个月",
    "2个月",
    "3个月",
    "4–6个月",
    "7–12个月",
    ">12个月", //
    "1期",
    "2期",
    "3期",
    "4–6期",
    "7–12期",
    ">12期", //
    "≤10%",
    "11–20%",
    "21–30%",
    "31–50%",
    "51–80%",
    "81–100%",
    ">100%", //
    "≤500元",
    "501–2000元",
    "2001–1万元",
    "1–5万元",
    "5–20万元",
    "20–100万元",
    "100–500万元",
    "500万–1亿元",
    ">1亿元", //
    "证件账号",
    "电话",
    "车牌",
    "邮箱",
    "编号",
    "姓名", //
    "降≤10%",
    "降11–20%",
    "降21–30%",
    "降31–50%",
    "降51–80%",
    "降81–100%",
    "降>100%", //
    "升≤10%",
    "升11–20%",
    "升21–30%",
    "升31–50%",
    "升51–80%",
    "升81–100%",
    "升>100%", //
    "变少",
    "变多",
];

const FIRST: u32 = 0xE000;

/// The positions in `NAMES` at which each kind of symbol begins.
pub(super) const YEAR: usize = 0;
pub(super) const DATE: usize = 1;
pub(super) const NUMBER: usize = 2;
pub(super) const DAYS: usize = 3;
pub(super) const MONTHS: usize = 10;
pub(super) const INSTALMENTS: usize = 16;
pub(super) const PERCENT: usize = 22;
pub(super) const AMOUNT: usize = 29;
/// Id cards, accounts, and the codes of companies.
pub(super) const IDENTITY: usize = 38;
pub(super) const PHONE: usize = 39;
pub(super) const PLATE: usize = 40;
pub(super) const EMAIL: usize = 41;
/// Any other code with a long number in it.
pub(super) const CODE: usize = 42;
pub(super) const NAME: usize = 43;
pub(super) const PERCENT_FALL: usize = 44;
pub(super) const PERCENT_RISE: usize = 51;
/// The way from a quantity to a smaller one, and to a larger one.
pub(super) const LESS: usize = 58;
pub(super) const MORE: usize = 59;

/// The character of the symbol at `position`.
pub(super) fn symbol(position: usize) -> char {
    char::from_u32(FIRST + position as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Whether `c` is a symbol.
pub(super) fn is_symbol(c: char) -> bool {
    name(c).is_some()
}

fn name(c: char) -> Option<&'static str> {
    NAMES.get((c as u32).checked_sub(FIRST)? as usize).copied()
}

/// `term` with each symbol written as its name in brackets, for people and files.
///
/// # Examples
///
/// ```
/// use postloan::text::{parse_symbols, readable};
///
/// let term = parse_symbols("逾期 ⟨31–60天⟩");
/// assert_eq!(term.chars().count(), 4);
/// assert_eq!(readable(&term), "逾期 ⟨31–60天⟩");
/// ```
#[must_use]
pub fn readable(term: &str) -> Cow<'_, str> {
    if !term.contains(is_symbol) {
        return term.into();
    }
    let mut shown = String::new();
    for c in term.chars() {
        match name(c) {
            Some(name) => shown.extend(["⟨", name, "⟩"]),
            None => shown.push(c),
        }
    }
    shown.into()
}

/// The term that [`readable`] was given. What is in brackets and names no symbol stays as it is.
#[must_use]
pub fn parse_symbols(shown: &str) -> Cow<'_, str> {
    if !shown.contains('⟨') {
        return shown.into();
    }
    let mut term = String::new();
    let mut rest = shown;
    while let Some((before, bracketed)) = rest.split_once('⟨') {
        term.push_str(before);
        let found = bracketed
            .split_once('⟩')
            .and_then(|(name, after)| Some((NAMES.iter().position(|&n| n == name)?, after)));
        match found {
            Some((position, after)) => {
                term.push(symbol(position));
                rest = after;
            }
            None => {
                term.push('⟨');
                rest = bracketed;
            }
        }
    }
    (term + rest).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_symbol_has_a_name_of_its_own_and_comes_back_from_it() {
        for position in 0..NAMES.len() {
            let term = format!("a{}b", symbol(position));
            assert_eq!(parse_symbols(&readable(&term)), term);
        }
        assert_eq!(NAMES[AMOUNT..IDENTITY].len(), 9);
        assert_eq!(NAMES[NAME], "姓名");
        assert_eq!(NAMES[PERCENT_RISE + 6], "升>100%");
        assert_eq!(NAMES[LESS..], ["变少", "变多"]);
    }

    #[test]
    fn brackets_that_name_no_symbol_stay() {
        for text in ["⟨", "⟨x⟩", "a⟨数", "⟨⟨数⟩⟩"] {
            assert_eq!(readable(&parse_symbols(text)), text);
        }
    }
}
