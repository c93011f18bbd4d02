//! Numbers that name a person or a thing of theirs: id cards, accounts, phones, plates, e-mail.
//!
//! Which class a number falls into depends on how it is written, never on its digits alone where
//! two kinds share a form: an account may look just like an id card, so both are one class, and
//! another number in the same place gives the same terms.

use super::quantities::is_date;
use super::symbols::{CODE, EMAIL, IDENTITY, NUMBER, PHONE, PLATE};

/// A stretch of a text, and the symbol that takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) symbol: usize,
}

/// From this many digits on, a number may name somebody.
const FEWEST_DIGITS: usize = 5;

/// What stands before a phone number without an area code.
const PHONE_CUES: [&str; 9] =
    ["电话", "座机", "手机", "号码", "热线", "固话", "传真", "tel", "联系方式"];

/// What stands before the last digits of an account.
const TAIL_CUES: [&str; 5] = ["尾号", "尾号为", "尾号是", "末四位", "后四位"];

/// Units by which a long number is told to be an amount.
const AMOUNT_UNITS: [&str; 9] = ["元", "万", "亿", "千元", "块", "%", "w", "kg", "m"];

/// The number or code whose first character, an ASCII letter, digit or plus sign, is at `start`;
/// the end of what was looked at is given where there is none.
pub(super) fn read(text: &str, start: usize) -> Result<Replacement, usize> {
    let bytes = text.as_bytes();
    let end = start + bytes[start..].iter().take_while(|byte| is_part(**byte)).count();
    let token = &bytes[start..end];
    let found = |end, symbol| Ok(Replacement { start, end, symbol });
    if bytes.get(end) == Some(&b'@')
        && let Some(domain) = domain(&bytes[end + 1..])
    {
        return found(end + 1 + domain, EMAIL);
    }
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return match longest_run(token) >= FEWEST_DIGITS || is_company_code(token) {
            true => found(end, if is_company_code(token) { IDENTITY } else { CODE }),
            false => Err(end.max(start + 1)),
        };
    }
    if let Some((length, symbol)) = grouped(&text[start..]) {
        return found(start + length, symbol);
    }
    if digits == token.len() {
        return match digits {
            11.. if starts_with_unit(&text[end..]) => Err(end),
            // 13800001234.50 is no phone.
            11.. if bytes.get(end) == Some(&b'.')
                && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) =>
            {
                Err(end)
            }
            12.. => found(end, IDENTITY),
            10 | 11 if token[0] == b'0' || is_mobile(token) => found(end, PHONE),
            7.. if !is_date(&text[start..end]) && follows(text, start, &PHONE_CUES) => {
                found(end, PHONE)
            }
            3.. if follows(text, start, &TAIL_CUES) => found(end, IDENTITY),
            FEWEST_DIGITS.. if !is_counted(&text[end..]) => found(end, NUMBER),
            _ => Err(end),
        };
    }
    if token.len() == 18 && (token[17] == b'x' && digits == 17 || is_company_code(token)) {
        return found(end, IDENTITY);
    }
    if is_masked(token) {
        let symbol = if token.len() == 11 && token[0] == b'1' { PHONE } else { IDENTITY };
        return found(end, symbol);
    }
    if digits < FEWEST_DIGITS && longest_run(token) < FEWEST_DIGITS {
        return Err(end);
    }
    // 12000m2 is a number with a unit.
    match token.len() - digits {
        _ if token[digits] == b'w' => Err(end),
        0..=3 if digits >= FEWEST_DIGITS => found(start + digits, NUMBER),
        _ => found(end, CODE),
    }
}

/// The plate that begins with the province whose first byte is at `start`, such as 京a·12345.
pub(super) fn read_plate(text: &str, start: usize) -> Option<Replacement> {
    let mut chars = text[start..].char_indices().skip(1);
    let (_, city) = chars.next()?;
    if !city.is_ascii_lowercase() {
        return None;
    }
    let mut serial = 0;
    let mut digits = 0;
    let mut end = start;
    for (place, c) in chars {
        let separates = matches!(c, '·' | '•' | '・' | '‧' | '.' | '-' | ' ' | '_');
        if serial == 0 && separates && end == start {
            end = start + place + c.len_utf8();
            continue;
        }
        if !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '*' {
            break;
        }
        serial += 1;
        digits += usize::from(!c.is_ascii_lowercase());
        end = start + place + c.len_utf8();
    }
    let is_plate = matches!(serial, 5 | 6) && digits >= 3;
    is_plate.then_some(Replacement { start, end, symbol: PLATE })
}

/// A byte of a number, a code, or the name of an e-mail address.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'*' | b'_')
}

fn longest_run(token: &[u8]) -> usize {
    token.split(|byte| !byte.is_ascii_digit()).map(<[u8]>::len).max().unwrap_or(0)
}

/// Two signs for office and kind, six digits of the district, nine of the organisation, a check
/// sign (GB 32100). It may be of digits only, as an id card is.
fn is_company_code(token: &[u8]) -> bool {
    token.len() == 18
        && token[2..8].iter().all(u8::is_ascii_digit)
        && token.iter().all(u8::is_ascii_alphanumeric)
}

fn is_mobile(token: &[u8]) -> bool {
    token.len() == 11 && token[0] == b'1' && token[1] >= b'3'
}

/// Digits with stars or x in the place of some, as in 138****5678.
fn is_masked(token: &[u8]) -> bool {
    let masks = |mask: &[u8]| token.windows(mask.len()).any(|part| part == mask);
    token.len() >= 8
        && (masks(b"***") || masks(b"xxx"))
        && token.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'x'))
}

/// Digits in groups with spaces or dashes between them: the length in bytes, and the class.
fn grouped(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut groups = [0; 6];
    let mut count = 0;
    let mut end = 0;
    loop {
        let run = bytes[end..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if run == 0 || count == groups.len() {
            return None;
        }
        groups[count] = run;
        count += 1;
        end += run;
        let goes_on = matches!(bytes.get(end), Some(b' ' | b'-'))
            && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !goes_on {
            break;
        }
        end += 1;
    }
    if bytes.get(end).is_some_and(|byte| byte.is_ascii_lowercase() && *byte != b'x') {
        return None;
    }
    let symbol = match groups[..count] {
        [3, 4, 4] if bytes[0] == b'1' => PHONE,
        [3 | 4, 7 | 8] | [3 | 4, 7 | 8, 1..=5] if bytes[0] == b'0' => PHONE,
        [3, 3, 4] | [3, 4, 3] if matches!(bytes[0], b'4' | b'8') => PHONE,
        [2, 3, 4, 4] if text.starts_with("86") => PHONE,
        [2, 11] if text.starts_with("86") => PHONE,
        [4, 4, .., last] if last <= 7 && groups[2..count - 1].iter().all(|group| *group == 4) => {
            let digits: usize = groups[..count].iter().sum();
            let is_account = (12..=19).contains(&digits) && !starts_with_unit(&text[end..]);
            return is_account.then_some((end, IDENTITY));
        }
        _ => return None,
    };
    Some((end, symbol))
}

/// The length of a domain name at the start of `bytes`, such as bank.com.cn.
fn domain(bytes: &[u8]) -> Option<usize> {
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let length = bytes.iter().take_while(|byte| is_domain(byte)).count();
    let name = &bytes[..length];
    let trimmed = name.iter().rposition(u8::is_ascii_alphanumeric)? + 1;
    name[..trimmed].contains(&b'.').then_some(trimmed)
}

fn starts_with_unit(after: &str) -> bool {
    AMOUNT_UNITS.iter().any(|unit| after.starts_with(unit))
}

/// Whether what follows says what a number counts: then it is a quantity.
fn is_counted(after: &str) -> bool {
    let bytes = after.as_bytes();
    let goes_on = matches!(bytes, [b'.' | b',', digit, ..] if digit.is_ascii_digit());
    goes_on
        || starts_with_unit(after)
        || ["多", "余", "来", "天", "期", "成", "个"].iter().any(|unit| after.starts_with(unit))
}

/// Whether one of `cues` stands before `start`, perhaps with a colon or blank between.
fn follows(text: &str, start: usize, cues: &[&str]) -> bool {
    let before = text[..start].trim_end_matches([':', ' ', '为', '是', '(']);
    cues.iter().any(|cue| before.ends_with(cue))
}

/// A sign that makes the number behind it a phone number abroad: +86.
pub(super) fn read_international(text: &str, start: usize) -> Option<Replacement> {
    let number = &text.as_bytes()[start + 1..];
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-');
    let length = number.iter().take_while(|byte| is_number(byte)).count();
    let length = number[..length].iter().rposition(u8::is_ascii_digit)? + 1;
    let digits = number[..length].iter().filter(|byte| byte.is_ascii_digit()).count();
    (11..=15).contains(&digits).then_some(Replacement {
        start,
        end: start + 1 + length,
        symbol: PHONE,
    })
}

#[cfg(test)]
mod tests {
    use super::super::privacy::tests::replaced;

    #[test]
    fn id_cards_accounts_and_company_codes_are_one_class_however_written() {
        for number in [
            "11010519491231002x",
            "110105194912310021",
            "110105491231002",
            "6222 0212 3456 7890 123",
            "6222-0212-3456-7890",
            "6222021234567890",
            "91350100m000100y43",
            "911101080000000007",
            "3301**********1234",
        ] {
            assert_eq!(replaced(&format!("号{number},另")), "号⟨证件账号⟩,另", "{number}");
        }
        assert_eq!(replaced("尾号6688"), "尾号⟨证件账号⟩");
    }

    #[test]
    fn phones_with_and_without_dashes_are_one_class() {
        for number in [
            "13812345678",
            "138-1234-5678",
            "138 1234 5678",
            "+86 13812345678",
            "86-13812345678",
            "138****5678",
            "138xxxx5678",
            "010-12345678",
            "0571-88886666",
            "05718886666",
            "400-800-1234",
            "88886666",
        ] {
            assert_eq!(replaced(&format!("电话{number}停机")), "电话⟨电话⟩停机", "{number}");
        }
    }

    #[test]
    fn plates_and_mail_addresses_have_classes_of_their_own() {
        for plate in ["京a·12345", "京a12345", "粤b·d12345", "沪ad12345", "苏e·5f888"] {
            assert_eq!(replaced(&format!("车{plate}已抵押")), "车⟨车牌⟩已抵押", "{plate}");
        }
        assert_eq!(replaced("邮箱wang_1@bank.com.cn。"), "邮箱⟨邮箱⟩。");
    }

    #[test]
    fn amounts_dates_and_order_numbers_are_no_phones_and_no_accounts() {
        for text in [
            "1,234,567,890元",
            "13800000000元",
            "2021-08-11",
            "2021年8月11日",
            "余额123456.78元",
            "12000万元",
            "京a股",
            "lpr5",
        ] {
            assert_eq!(replaced(text), text);
        }
        assert_eq!(replaced("单号20210811,"), "单号⟨数⟩,");
        assert_eq!(replaced("电话20210811联系"), "电话⟨数⟩联系");
        assert_eq!(replaced("合同ht20210811003,"), "合同⟨编号⟩,");
        assert_eq!(replaced("厂房12000m2"), "厂房⟨数⟩m2");
    }
}
