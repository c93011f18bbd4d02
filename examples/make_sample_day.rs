//! Makes `data/sample-day.csv`, a day of 7,000 comments without labels, out of the corpus:
//! `cargo run --release --example make_sample_day data/reviews.jsonl data/sample-day.csv`.
//!
//! Comments are drawn with a fixed seed, so that 72 % were labelled normal, 18 % watch and 10 %
//! risky, about as the corpus's ordinary nights are; in each, digits (but for years) and
//! surnames before 某, 总, 女士 … are replaced by others. An example, and no more: what a number
//! says of a loan may have changed with it.

use std::error::Error;
use std::path::PathBuf;

use postloan::records::{FieldNames, InputOptions, Review, ReviewCollection};

const SEED: u64 = 20_261_120;
/// How many comments of each label.
const SHARES: [(&str, usize); 3] = [("normal", 5040), ("watch", 1260), ("risky", 700)];
const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤";
const AFTER_SURNAME: [&str; 8] = ["某", "总", "女士", "先生", "老板", "师傅", "姐", "氏"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(corpus), Some(day)) = (arguments.next(), arguments.next()) else {
        return Err("usage: make_sample_day CORPUS.jsonl DAY.csv".into());
    };
    let fields = FieldNames {
        id: Some("id".to_owned()),
        text: "text".to_owned(),
        required: vec!["label".to_owned()],
        optional: vec!["loan_type".to_owned()],
    };
    let collection = ReviewCollection::read(&[corpus], &InputOptions::default(), &fields)?;
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut chosen: Vec<&Review> = Vec::new();
    for (label, count) in SHARES {
        let mut reviews: Vec<&Review> =
            collection.reviews.iter().filter(|review| review.required[0] == label).collect();
        random.shuffle(&mut reviews);
        chosen.extend(reviews.into_iter().take(count));
    }
    random.shuffle(&mut chosen);

    let mut output = csv::Writer::from_path(day)?;
    output.write_record(["id", "loan_type", "text"])?;
    for (number, review) in chosen.into_iter().enumerate() {
        let id = format!("20261120-{:05}", number + 1);
        let text = vary(&review.text, &mut random);
        output.write_record([&id, &review.optional[0], &text])?;
    }
    output.flush()?;
    Ok(())
}

/// `text` with other digits and other surnames.
fn vary(text: &str, random: &mut fastrand::Rng) -> String {
    let mut varied = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let after = &rest[first.len_utf8()..];
        let is_year = digits == 4 && (rest.starts_with("20") || rest.starts_with("19"));
        if is_year {
            varied.push_str(&rest[..digits]);
        } else if digits > 0 {
            // The first digit stays, so that a number keeps its magnitude.
            varied.push(first);
            varied.extend((1..digits).map(|_| random.digit(10)));
        } else if SURNAMES.contains(first) && AFTER_SURNAME.iter().any(|end| after.starts_with(end))
        {
            let count = SURNAMES.chars().count();
            varied.extend(SURNAMES.chars().nth(random.usize(..count)));
        } else {
            varied.push(first);
        }
        rest = &rest[digits.max(first.len_utf8())..];
    }
    varied
}
