//! Rises and falls: 下降两成, 同比降23%, -6%, 由62天升至118天.

use super::quantities::Quantity;
use super::symbols::{LESS, MORE, PERCENT_FALL, PERCENT_RISE};

/// Words of falling and of rising, the longer of two that begin alike first.
const FALLS: [&str; 12] =
    ["下降", "下滑", "减少", "下跌", "萎缩", "缩水", "回落", "少了", "降", "减", "跌", "缩"];
const RISES: [&str; 11] =
    ["上升", "增长", "增加", "上涨", "提高", "上浮", "攀升", "升", "增", "涨", "多了"];

/// What makes the number behind it a level that was reached: 降至60%.
const REACHED: [&str; 4] = ["至", "到", "为", "→"];

/// How far before a percentage its direction stands, in characters.
const REACH: usize = 7;

/// The first symbol of the buckets with the direction that `before` gives the percentage behind
/// it, and how many bytes of a sign stand right before it.
pub(super) fn direction(before: &str) -> Option<(usize, usize)> {
    for (sign, symbol) in [("-", PERCENT_FALL), ("+", PERCENT_RISE)] {
        if let Some(rest) = before.strip_suffix(sign) {
            // 3%-6% is a range; 环比-6% is a fall.
            let is_range = !rest.ends_with(|c: char| !c.is_ascii_digit() && c != '%' && c != '-');
            return (!is_range).then_some((symbol, sign.len()));
        }
    }
    let near = before.char_indices().rev().nth(REACH - 1).map_or(0, |(start, _)| start);
    let near = &before[near..];
    let clause = near
        .rfind([',', '。', ';', '!', '?', ':', '\n', '、'])
        .map_or(0, |place| place + near[place..].chars().next().map_or(0, char::len_utf8));
    let near = &near[clause..];
    // Where the last word of each kind ends.
    let (mut fall, mut rise) = (None, None);
    for (start, _) in near.char_indices().filter(|(_, c)| begins_trend(*c)) {
        let end = |words: &[&str]| {
            let here = words.iter().find(|word| near[start..].starts_with(**word));
            here.map(|word| start + word.len())
        };
        fall = fall.max(end(&FALLS));
        rise = rise.max(end(&RISES));
    }
    let (symbol, end) = match (fall, rise) {
        (Some(fall), Some(rise)) if rise > fall => (PERCENT_RISE, rise),
        (Some(fall), _) => (PERCENT_FALL, fall),
        (None, Some(rise)) => (PERCENT_RISE, rise),
        (None, None) => return None,
    };
    let is_level = REACHED.iter().any(|word| near[end..].contains(word));
    (!is_level).then_some((symbol, 0))
}

/// Whether a word of falling or rising may begin with `c`.
fn begins_trend(c: char) -> bool {
    matches!(
        c,
        '下' | '减'
            | '萎'
            | '缩'
            | '回'
            | '少'
            | '降'
            | '跌'
            | '上'
            | '增'
            | '提'
            | '攀'
            | '升'
            | '涨'
            | '多'
    )
}

/// The symbol of the way from one quantity to another of its kind, between which `between`
/// stands.
pub(super) fn change(from: &Quantity, to: &Quantity, between: &str) -> Option<usize> {
    let between = between.trim();
    let joins = REACHED[..2].iter().any(|word| between.ends_with(word))
        && between.chars().count() <= 5
        && FALLS.iter().chain(&RISES).any(|word| between.contains(word))
        || matches!(between, "→" | "->" | "-->");
    if !joins || !from.is_comparable(to) || from.value == to.value {
        return None;
    }
    Some(if to.value > from.value { MORE } else { LESS })
}

#[cfg(test)]
mod tests {
    use super::super::quantities::QuantityReading;
    use super::super::rewriting::rewritten;
    use super::super::symbols::readable;
    use super::{FALLS, RISES, begins_trend};

    fn shown(text: &str) -> String {
        let (rewritten, _) = rewritten(text, &[], QuantityReading::Trends);
        readable(&rewritten).into_owned()
    }

    #[test]
    fn a_percentage_takes_the_direction_that_stands_before_it_in_its_clause() {
        for (text, expected) in [
            ("流水下降两成", "流水下降⟨降11–20%⟩"),
            ("同比降23%", "同比降⟨降21–30%⟩"),
            ("增14%", "增⟨升11–20%⟩"),
            ("环比-6%", "环比⟨降≤10%⟩"),
            ("收入减少了约35%", "收入减少了约⟨降31–50%⟩"),
            ("利率5%-6%", "利率⟨≤10%⟩-⟨≤10%⟩"),
            ("负债率降至60%", "负债率降至⟨51–80%⟩"),
            ("流水下降,占比23%", "流水下降,占比⟨21–30%⟩"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn each_word_of_falling_or_rising_may_begin() {
        let first = |word: &&str| word.chars().next().unwrap();
        assert!(FALLS.iter().chain(&RISES).map(first).all(begins_trend));
    }

    #[test]
    fn the_way_from_one_quantity_to_another_is_a_rise_or_a_fall() {
        for (text, expected) in [
            ("账期由62天升至118天", "账期由⟨61–90天⟩⟨变多⟩⟨91–180天⟩"),
            ("工人由40降到25", "工人由⟨数⟩⟨变少⟩⟨数⟩"),
            ("占比90%→60%", "占比⟨81–100%⟩⟨变少⟩⟨51–80%⟩"),
            ("从3天拖到90天", "从⟨≤3天⟩拖到⟨61–90天⟩"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn months_overdue_in_the_form_of_m_are_days() {
        assert_eq!(shown("已m3,转m1"), "已⟨61–90天⟩,转⟨11–30天⟩");
        assert_eq!(shown("120m2"), "⟨数⟩m2");
    }
}
