//! What must not enter a vocabulary: numbers and names that point at a person.
//!
//! They are found in the normal form before anything else is done with it, and a symbol of their
//! class takes their place, so that no word and no character of them is ever learned.

use super::character_kinds::Kinds;
use super::identifiers::{self, Replacement};
use super::marks::Mark;
use super::names;
use super::segmenter::Segmenter;

/// The parts of characters at which something may begin that names a person.
pub(super) const BEGINNINGS: Kinds =
    Kinds::CODE.and(Kinds::PLUS).and(Kinds::PROVINCE).and(Kinds::SURNAME);

/// Replaces `found` by what of `text`, a normal form, names a person, in order. `marks` are at
/// least the [`BEGINNINGS`] in it.
pub(super) fn find(
    text: &str,
    marks: &[Mark],
    segmenter: &Segmenter,
    found: &mut Vec<Replacement>,
) {
    found.clear();
    let mut position = 0;
    for &Mark { byte: place, kinds, .. } in marks {
        if !kinds.has(BEGINNINGS) || place < position {
            continue;
        }
        let replacement = if kinds.has(Kinds::CODE) {
            match identifiers::read(text, place) {
                Ok(replacement) => Some(replacement),
                Err(end) => {
                    position = end;
                    None
                }
            }
        } else if kinds.has(Kinds::PLUS) {
            identifiers::read_international(text, place)
        } else {
            let plate = kinds.has(Kinds::PROVINCE).then(|| identifiers::read_plate(text, place));
            plate.flatten().or_else(|| {
                let is_surname = kinds.has(Kinds::SURNAME);
                is_surname.then(|| names::read(text, place, found.last(), segmenter)).flatten()
            })
        };
        if let Some(replacement) = replacement {
            position = replacement.end;
            found.push(replacement);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::analyzer::{AnalyzedText, Analyzer};
    use super::super::dictionary::{StopWords, UserDictionary};
    use super::super::marks;
    use super::super::quantities::QuantityReading;
    use super::super::rewriting::rewritten;
    use super::super::settings::TextSettings;
    use super::super::symbols::readable;
    use super::*;

    static SEGMENTER: LazyLock<Segmenter> =
        LazyLock::new(|| Segmenter::new(&UserDictionary::banking().unwrap()));

    fn find_all(text: &str) -> Vec<Replacement> {
        let (mut marks, mut found) = (Vec::new(), Vec::new());
        marks::find(text, BEGINNINGS, &mut marks);
        find(text, &marks, &SEGMENTER, &mut found);
        found
    }

    /// `text` with the names of symbols in the place of what points at a person.
    pub(in super::super) fn replaced(text: &str) -> String {
        let (rewritten, _) = rewritten(text, &find_all(text), QuantityReading::Off);
        readable(&rewritten).into_owned()
    }

    fn analyzer() -> &'static Analyzer {
        static ANALYZER: LazyLock<Analyzer> = LazyLock::new(|| {
            Analyzer::new(SEGMENTER.clone(), StopWords::default(), TextSettings::FULL)
        });
        &ANALYZER
    }

    /// The words and the characters of a comment.
    fn terms(comment: &str) -> (Vec<String>, Vec<String>) {
        let analyzed = analyzer().analyzed(comment);
        (
            analyzed.words().map(str::to_owned).collect(),
            analyzed.characters().map(str::to_owned).collect(),
        )
    }

    /// Common surnames, those among them that are ordinary words, too, and double ones.
    const SURNAMES: &str = "[王李张刘陈杨赵吴周徐孙胡朱郭何林罗宋郑谢韩唐冯董萧曹袁邓许傅沈彭吕苏卢\
        蒋蔡贾丁魏薛叶潘杜夏钟汪姜范姚谭廖邹熊陆郝孔崔邱秦侯邵孟龙汤尹黎武贺赖龚]|欧阳|司马|诸葛|高|黄|马|方";
    /// No name that is an ordinary word or a place, as 高洋 and 方军 are: that is not known for a name.
    const GIVEN: &str = "[伟芳娜敏静强磊勇艳杰娟涛超霞刚鹏辉玲桂斌倩婷萍]{1,2}";
    const VEILED: [&str; 4] = ["#某", "#某某", "#*", "#某强"];
    const IDENTITY: &str = "[1-9][0-9]{16}[0-9x]|[1-9][0-9]{14}|62[0-9]{14}|62[0-9]{10,17}|62[0-9]{2}( [0-9]{4}){3}\
        |62[0-9]{2}(-[0-9]{4}){3}-[0-9]{3}|9[1-3][1-6][0-9]{5}[0-9A-HJ-NP-RT-UWXY]{10}";
    const PHONE: &str = "1[3-9][0-9]{9}|1[3-9][0-9]-[0-9]{4}-[0-9]{4}|0[1-9][0-9]-[2-8][0-9]{7}|0[1-9][0-9]{2}-[2-8][0-9]{6}";
    const PLATE: &str = "[京沪粤苏浙川云][A-H]·?[0-9]{5}|[京沪粤苏浙川云][A-H]·?[DF][0-9]{5}|[京粤苏][A-H][0-9]{4}[A-H]";

    /// Sentences with places for names, surnames and numbers.
    const WITH_NAME: [&str; 12] = [
        "客户<N>已失联三个月。",
        "借款人：<N>，男，经营正常",
        "法人代表<N>名下房产已查封",
        "担保人<N>、配偶<N>均未到场。",
        "保证人<N>（借款人弟弟）代偿",
        "<N>女士来行，称无力还款",
        "与<N>经理通话",
        "据<S>某某反映，逾期62天",
        "老板娘说<S>总去了外地",
        "<S>阿姨的店已关门。",
        "已联系<S>先生；<S>某称下月还",
        "经查<S>某、<S>某涉诉",
    ];
    const WITH_NUMBER: [&str; 4] = [
        "身份证<I>，电话<P>停机。",
        "卡号<I>转至<I>；车辆<K>已抵押",
        "联系电话：<P>/<P>无人接听",
        "<K>扣押，余额1,234,567,890元",
    ];

    fn filled(template: &str, parts: &[(&str, &str)]) -> String {
        parts.iter().fold(template.to_owned(), |text, (place, part)| text.replace(place, part))
    }

    proptest! {
        #[test]
        fn another_name_in_the_same_place_gives_the_same_terms(
            template in select(&WITH_NAME[..]),
            surnames in (SURNAMES, SURNAMES),
            given in (GIVEN, GIVEN),
        ) {
            let fill = |surname: &str, given: &str| {
                terms(&filled(template, &[("<N>", &format!("{surname}{given}")), ("<S>", surname)]))
            };
            prop_assert_eq!(fill(&surnames.0, &given.0), fill(&surnames.1, &given.1));
        }

        #[test]
        fn another_number_of_its_kind_gives_the_same_terms(
            template in select(&WITH_NUMBER[..]),
            identities in (IDENTITY, IDENTITY),
            phones in (PHONE, PHONE),
            plates in (PLATE, PLATE),
        ) {
            let fill = |identity: &str, phone: &str, plate: &str| {
                terms(&filled(template, &[("<I>", identity), ("<P>", phone), ("<K>", plate)]))
            };
            prop_assert_eq!(
                fill(&identities.0, &phones.0, &plates.0),
                fill(&identities.1, &phones.1, &plates.1)
            );
        }

        #[test]
        fn a_veiled_name_is_as_good_as_any_other(
            surnames in (SURNAMES, SURNAMES),
            veils in (select(&VEILED[..]), select(&VEILED[..])),
        ) {
            let fill = |surname: &str, veil: &str| {
                terms(&format!("借款人{},已失联", veil.replace('#', surname)))
            };
            prop_assert_eq!(fill(&surnames.0, veils.0), fill(&surnames.1, veils.1));
        }

        #[test]
        fn whatever_the_text_replacements_are_in_order_and_on_characters(
            text in "[王张于老小某总客户a-c1-3 .@·京*+-]{0,40}"
        ) {
            let mut end = 0;
            for replacement in find_all(&text) {
                prop_assert!(replacement.start >= end && replacement.end > replacement.start);
                prop_assert!(text.get(replacement.start..replacement.end).is_some());
                end = replacement.end;
            }
        }
    }

    #[test]
    fn no_word_learned_from_the_corpus_is_a_number_or_a_veiled_name() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/reviews.jsonl");
        let corpus = std::fs::read_to_string(path).unwrap();
        let is_veiled = |word: &str| {
            let before = word.split_once('某').and_then(|(before, _)| before.chars().next_back());
            before.is_some_and(|c| "王李张刘陈杨赵吴周徐孙朱郭罗".contains(c))
        };
        let mut analyzed = AnalyzedText::default();
        for line in corpus.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            analyzer().analyze(record["text"].as_str().unwrap(), &mut analyzed);
            for word in analyzed.words() {
                let long = |part: &str| part.len() >= 5;
                let number = word.split(|c: char| !c.is_ascii_digit()).any(long);
                assert!(!number && !is_veiled(word), "{word}");
            }
            let characters = analyzed.characters().collect::<String>();
            // One bank: 张 is a measure there.
            let characters = characters.replace("一张某", "");
            let veil = characters
                .char_indices()
                .find(|(place, _)| is_veiled(characters[*place..].get(..6).unwrap_or_default()));
            assert!(veil.is_none(), "{characters}");
        }
    }
}
