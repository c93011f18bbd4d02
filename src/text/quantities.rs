//! Quantities, in digits or Chinese numerals, put into buckets that mean something to a credit
//! officer: a model that has seen 62 天 knows 67 天, too.

use std::ops::Range;

use super::character_kinds::Kinds;
use super::marks::{self, Mark};
use super::symbols::{AMOUNT, DATE, DAYS, IDENTITY, INSTALMENTS, MONTHS, NUMBER, PERCENT, YEAR};
use super::trends;

/// The upper bounds of the buckets, each included; beyond the last there is one more.
const DAY_BOUNDS: [f64; 6] = [3.0, 10.0, 30.0, 60.0, 90.0, 180.0];
const MONTH_BOUNDS: [f64; 5] = [1.0, 2.0, 3.0, 6.0, 12.0];
const INSTALMENT_BOUNDS: [f64; 5] = [1.0, 2.0, 3.0, 6.0, 12.0];
const PERCENT_BOUNDS: [f64; 6] = [10.0, 20.0, 30.0, 50.0, 80.0, 100.0];
/// In yuan.
const AMOUNT_BOUNDS: [f64; 8] = [5e2, 2e3, 1e4, 5e4, 2e5, 1e6, 5e6, 1e8];

/// A number below this that has no unit we know stays as it is: 0 and 1 are words.
const SMALLEST_BARE_NUMBER: f64 = 10.0;

/// A number at the start of a text.
struct Numeral<'t> {
    value: f64,
    /// Whether it is in digits, not in Chinese numerals.
    digits: Option<&'t str>,
    length: usize,
    /// The text behind it.
    after: &'t str,
}

impl<'t> Numeral<'t> {
    fn read(text: &'t str) -> Option<Self> {
        Self::read_digits(text).or_else(|| Self::read_chinese(text))
    }

    /// Digits, with commas before groups of three and a decimal part.
    fn read_digits(text: &'t str) -> Option<Self> {
        let bytes = text.as_bytes();
        let run = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let whole = run(0);
        if whole == 0 {
            return None;
        }
        let mut length = whole;
        while whole <= 3 && bytes.get(length) == Some(&b',') && run(length + 1) == 3 {
            length += 4;
        }
        if bytes.get(length) == Some(&b'.') && run(length + 1) > 0 {
            length += 1 + run(length + 1);
        }
        let digits = &text[..length];
        let value = digits.replace(',', "").parse().ok()?;
        Some(Self { value, digits: Some(digits), length, after: &text[length..] })
    }

    /// Chinese numerals below ten thousand, 半 (a half), and 几 and 数 (some), which count 3.
    fn read_chinese(text: &'t str) -> Option<Self> {
        let (mut sum, mut digit, mut length) = (0.0, None, 0);
        for c in text.chars() {
            let unit = match c {
                '十' => 10.0,
                '百' => 100.0,
                '千' => 1000.0,
                _ => match digit_value(c) {
                    Some(value) => {
                        // Digits side by side are read as in 一二 = 12.
                        digit = Some(digit.map_or(0.0, |digit: f64| digit * 10.0) + value);
                        length += c.len_utf8();
                        continue;
                    }
                    None => break,
                },
            };
            sum += digit.take().unwrap_or(1.0) * unit;
            length += c.len_utf8();
        }
        let value = sum + digit.unwrap_or(0.0);
        (length > 0).then(|| Self { value, digits: None, length, after: &text[length..] })
    }
}

/// Whether a [`Numeral`] may begin with `c`, which few characters of a comment can.
fn begins_numeral(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '十' | '百' | '千') || digit_value(c).is_some()
}

/// Whether a [`Quantity`] may begin with `c`.
pub(super) fn begins_quantity(c: char) -> bool {
    begins_numeral(c) || c == 'm'
}

/// Whether what stands behind `c` goes on from it.
fn is_part_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '.'
}

fn digit_value(c: char) -> Option<f64> {
    Some(match c {
        '零' | '〇' => 0.0,
        '半' => 0.5,
        '一' => 1.0,
        '二' | '两' => 2.0,
        '三' | '几' | '数' => 3.0,
        '四' => 4.0,
        '五' => 5.0,
        '六' => 6.0,
        '七' => 7.0,
        '八' => 8.0,
        '九' => 9.0,
        _ => return None,
    })
}

/// Whether `digits` may be a day such as 20210811.
pub(super) fn is_date(digits: &str) -> bool {
    let number = |range: Range<usize>| digits.get(range).and_then(|d| d.parse().ok());
    digits.len() == 8
        && matches!(number(0..2), Some(19 | 20))
        && matches!(number(4..6), Some(1..=12))
        && matches!(number(6..8), Some(1..=31))
}

/// Whether quantities are read, and their direction with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuantityReading {
    Off,
    Buckets,
    Trends,
}

/// A number with its unit.
pub(super) struct Quantity {
    symbol: usize,
    /// In the unit of its buckets.
    pub(super) value: f64,
    /// Bytes of number and unit.
    length: usize,
}

impl Quantity {
    /// Calls `found` with the place and the symbol of each quantity in the part `range` of
    /// `text`, in order. `marks` are at least the characters of `text` at which one may begin.
    pub(super) fn find(
        text: &str,
        marks: &[Mark],
        range: Range<usize>,
        reading: QuantityReading,
        found: &mut impl FnMut(Range<usize>, usize),
    ) {
        let trends = reading == QuantityReading::Trends;
        let text = &text[..range.end];
        // Up to where the text is read.
        let mut position = range.start;
        let mut last: Option<(usize, Self)> = None;
        for mark in marks::from(marks, range.start) {
            let place = mark.byte;
            if place >= range.end {
                break;
            }
            if place < position || !mark.kinds.has(Kinds::QUANTITY) {
                continue;
            }
            // A number that goes on from a letter or digit, as in LPR5 or 3k8, is part of a name.
            let goes_on = text[position..place].ends_with(is_part_of_name);
            let rest = &text[place..];
            let read = if goes_on {
                None
            } else if rest.starts_with('m') {
                // Right behind a number, m2 is square metres.
                let after_number = last.as_ref().is_some_and(|(end, _)| *end == place);
                (trends && !after_number).then(|| Self::read_lateness(rest)).flatten()
            } else {
                Numeral::read(rest).and_then(Self::read)
            };
            let Some(mut quantity) = read else {
                continue;
            };
            let mut start = place;
            let end = place + quantity.length;
            if trends {
                let way = last.as_ref().and_then(|(from, last)| {
                    Some((*from, trends::change(last, &quantity, &text[*from..start])?))
                });
                if let Some((from, symbol)) = way {
                    found(from..start, symbol);
                } else if let Some(bucket) = quantity.percentage() {
                    let from = last.as_ref().map_or(range.start, |(from, _)| *from);
                    if let Some((symbol, sign)) = trends::direction(&text[from..start]) {
                        quantity.symbol = symbol + bucket;
                        start -= sign;
                    }
                }
            }
            found(start..end, quantity.symbol);
            position = end;
            last = Some((end, quantity));
        }
    }

    /// M1, M2, M3: how many months a loan is overdue, begun ones counted.
    fn read_lateness(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let months = bytes.get(1).filter(|digit| (b'1'..=b'6').contains(digit))? - b'0';
        if bytes.get(2).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.') {
            return None;
        }
        let value = f64::from(months) * 30.0;
        Some(Self { symbol: DAYS + bucket(value, &DAY_BOUNDS), value, length: 2 })
    }

    /// The bucket, if it is a percentage.
    fn percentage(&self) -> Option<usize> {
        let bucket = self.symbol.checked_sub(PERCENT)?;
        (bucket <= PERCENT_BOUNDS.len()).then_some(bucket)
    }

    /// Whether both count the same thing in the same unit, so that one is more than the other.
    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        const KINDS: [usize; 5] = [DAYS, MONTHS, INSTALMENTS, PERCENT, AMOUNT];
        // A fall and a rise are compared with nothing.
        let kind = |symbol| match symbol {
            ..IDENTITY => KINDS.partition_point(|first| *first <= symbol),
            _ => 0,
        };
        let (ours, theirs) = (kind(self.symbol), kind(other.symbol));
        ours == theirs && (ours > 0 || self.symbol == NUMBER && other.symbol == NUMBER)
    }

    fn read(numeral: Numeral<'_>) -> Option<Self> {
        let Numeral { value, digits, length, after } = numeral;
        let (about, after) = match after.chars().next() {
            Some(c @ ('多' | '余' | '来')) => (c.len_utf8(), &after[c.len_utf8()..]),
            _ => (0, after),
        };
        let quantity = |symbol, value, unit: usize| {
            Some(Self { symbol, value, length: length + about + unit })
        };
        for (unit, first, bounds, factor) in UNITS {
            if after.starts_with(unit) {
                return quantity(
                    first + bucket(value * factor, bounds),
                    value * factor,
                    unit.len(),
                );
            }
        }
        let digits = digits?;
        let is_year = digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
        if is_year {
            return quantity(
                YEAR,
                value,
                if after.starts_with('年') { '年'.len_utf8() } else { 0 },
            );
        }
        if after.starts_with('月') && value <= 12.0 {
            return quantity(
                DATE,
                value,
                '月'.len_utf8() + day_of_month(&after['月'.len_utf8()..]),
            );
        }
        if (after.starts_with('日') || after.starts_with('号')) && value <= 31.0 {
            return quantity(DATE, value, '日'.len_utf8());
        }
        (value >= SMALLEST_BARE_NUMBER).then_some(Self { symbol: NUMBER, value, length })
    }
}

/// Units with the first symbol of their buckets, the bounds of these, and what one unit counts
/// in them. The longer of two that begin alike stands first.
const UNITS: [(&str, usize, &[f64], f64); 14] = [
    ("个多月", MONTHS, &MONTH_BOUNDS, 1.0),
    ("个月", MONTHS, &MONTH_BOUNDS, 1.0),
    ("天", DAYS, &DAY_BOUNDS, 1.0),
    ("期", INSTALMENTS, &INSTALMENT_BOUNDS, 1.0),
    ("成", PERCENT, &PERCENT_BOUNDS, 10.0),
    ("%", PERCENT, &PERCENT_BOUNDS, 1.0),
    ("亿元", AMOUNT, &AMOUNT_BOUNDS, 1e8),
    ("亿", AMOUNT, &AMOUNT_BOUNDS, 1e8),
    ("万元", AMOUNT, &AMOUNT_BOUNDS, 1e4),
    ("万", AMOUNT, &AMOUNT_BOUNDS, 1e4),
    ("w", AMOUNT, &AMOUNT_BOUNDS, 1e4),
    ("千元", AMOUNT, &AMOUNT_BOUNDS, 1e3),
    ("元", AMOUNT, &AMOUNT_BOUNDS, 1.0),
    ("块钱", AMOUNT, &AMOUNT_BOUNDS, 1.0),
];

fn bucket(value: f64, bounds: &[f64]) -> usize {
    bounds.partition_point(|bound| value > *bound)
}

/// The bytes of a day of the month at the start of `text`, such as 11日; 0 if there is none.
fn day_of_month(text: &str) -> usize {
    match Numeral::read_digits(text) {
        Some(day) if day.after.starts_with('日') || day.after.starts_with('号') => {
            day.length + '日'.len_utf8()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rewriting::rewritten;
    use super::super::symbols::readable;
    use super::{Numeral, QuantityReading, begins_numeral};

    fn shown(text: &str) -> String {
        let (rewritten, _) = rewritten(text, &[], QuantityReading::Buckets);
        readable(&rewritten).into_owned()
    }

    #[test]
    fn a_numeral_begins_with_a_character_that_may_begin_one_and_no_other() {
        for c in '\0'..=char::MAX {
            assert_eq!(begins_numeral(c), Numeral::read(&c.to_string()).is_some(), "{c:?}");
        }
    }

    #[test]
    fn days_months_and_instalments_fall_into_buckets_in_digits_and_in_words() {
        for (text, expected) in [
            ("逾期3天", "逾期⟨≤3天⟩"),
            ("逾期30天", "逾期⟨11–30天⟩"),
            ("逾期31天", "逾期⟨31–60天⟩"),
            ("逾期六十二天", "逾期⟨61–90天⟩"),
            ("由62天升至118天", "由⟨61–90天⟩升至⟨91–180天⟩"),
            ("欠息三个月", "欠息⟨3个月⟩"),
            ("半个月前", "⟨≤1个月⟩前"),
            ("连欠5期", "连欠⟨4–6期⟩"),
            ("十几天", "⟨11–30天⟩"),
            ("20多天", "⟨11–30天⟩"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn shares_and_amounts_fall_into_buckets() {
        for (text, expected) in [
            ("下降两成", "下降⟨11–20%⟩"),
            ("同比降23.5%", "同比降⟨21–30%⟩"),
            ("余额1,250.50元", "余额⟨501–2000元⟩"),
            ("欠2.35万元", "欠⟨1–5万元⟩"),
            ("授信三千万", "授信⟨500万–1亿元⟩"),
            ("营收1.2亿", "营收⟨>1亿元⟩"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn dates_are_one_symbol_and_bare_numbers_another() {
        for (text, expected) in [
            ("2021年8月11日放款", "⟨年份⟩⟨日期⟩放款"),
            ("每月18号扣收", "每月⟨日期⟩扣收"),
            ("员工35人", "员工⟨数⟩人"),
            ("欠息0次,电话2次", "欠息0次,电话2次"),
            ("一家人都在", "一家人都在"),
            ("lpr5的3k8", "lpr5的3k8"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_symbol_points_at_number_and_unit_and_the_rest_at_itself() {
        let text = "已逾期62天,失联";
        let (rewritten, alignment) = rewritten(text, &[], QuantityReading::Buckets);
        let place = rewritten.find(super::super::symbols::is_symbol).unwrap();
        assert_eq!(&text[alignment.source_range(place..place + 3)], "62天");
        assert_eq!(&text[alignment.source_range(0..place + 3)], "已逾期62天");
        let after = place + 4;
        assert_eq!(&text[alignment.source_range(after..after + 6)], "失联");
    }
}
