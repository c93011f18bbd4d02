//! UTF-8 and GB18030: which of them a text is in, and the way from one to the other.

use std::io::{self, BufRead, Read, Write};

use clap::ValueEnum;
use encoding_rs::{DecoderResult, EncoderResult, GB18030};

/// The encoding of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TextEncoding {
    /// UTF-8, with or without a byte-order mark.
    #[default]
    #[value(name = "utf-8", alias = "utf8")]
    Utf8,
    /// GB18030, of which GBK and GB2312 are parts.
    #[value(name = "gb18030", aliases = ["gbk", "gb2312"])]
    Gb18030,
}

/// How much of a text is looked at to tell its encoding.
const SAMPLE_BYTES: u64 = 1 << 16;

/// Of the characters of a text in GB18030, one in so many may be broken.
const BROKEN_SHARE: usize = 50;

impl TextEncoding {
    /// The encoding in which a text that begins with `sample` makes sense.
    ///
    /// A few broken bytes do not make UTF-8 something else: only a text in which UTF-8 is broken
    /// more often than whole, and GB18030 hardly ever, is taken for GB18030.
    #[must_use]
    pub fn detect(sample: &[u8]) -> Self {
        let (mut whole, mut broken) = (0, 0);
        for chunk in sample.utf8_chunks() {
            whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
            broken += usize::from(!chunk.invalid().is_empty());
        }
        if broken <= whole {
            return Self::Utf8;
        }
        let mut decoder = GB18030.new_decoder_without_bom_handling();
        let mut characters = vec![0; 3 * sample.len() + 16];
        let (mut rest, mut whole, mut broken) = (sample, 0, 0);
        loop {
            let (result, read, written) =
                decoder.decode_to_utf8_without_replacement(rest, &mut characters, false);
            let decoded = String::from_utf8_lossy(&characters[..written]);
            whole += decoded.chars().filter(|c| !c.is_ascii()).count();
            rest = &rest[read..];
            match result {
                DecoderResult::Malformed(..) => broken += 1,
                _ => break,
            }
        }
        if broken * BROKEN_SHARE <= whole { Self::Gb18030 } else { Self::Utf8 }
    }
}

/// `input` as UTF-8. Without `encoding`, its first 64 KiB tell it.
pub(super) fn decoded(
    mut input: impl BufRead + Send + 'static,
    encoding: Option<TextEncoding>,
) -> io::Result<Box<dyn BufRead + Send>> {
    let mut sample = Vec::new();
    let encoding = match encoding {
        Some(encoding) => encoding,
        None => {
            (&mut input).take(SAMPLE_BYTES).read_to_end(&mut sample)?;
            TextEncoding::detect(&sample)
        }
    };
    let input = io::Cursor::new(sample).chain(input);
    Ok(match encoding {
        TextEncoding::Utf8 => Box::new(input),
        TextEncoding::Gb18030 => Box::new(io::BufReader::new(Gb18030Reader {
            input,
            decoder: GB18030.new_decoder_without_bom_handling(),
            decoded: Vec::new(),
            taken: 0,
            ended: false,
        })),
    })
}

/// Reads GB18030 as UTF-8.
///
/// What is not GB18030 becomes the byte 0xFF, which stands in no UTF-8: so the record that holds
/// it is refused, and no other.
struct Gb18030Reader<R> {
    input: R,
    decoder: encoding_rs::Decoder,
    decoded: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: BufRead> Read for Gb18030Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.decoded.len() && !self.ended {
            let encoded = self.input.fill_buf()?;
            let last = encoded.is_empty();
            self.decoded.resize(3 * encoded.len() + 16, 0);
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(encoded, &mut self.decoded, last);
            self.decoded.truncate(written);
            self.taken = 0;
            self.input.consume(read);
            match result {
                DecoderResult::Malformed(..) => self.decoded.push(0xFF),
                DecoderResult::InputEmpty => self.ended = last,
                DecoderResult::OutputFull => {}
            }
        }
        let bytes = buffer.len().min(self.decoded.len() - self.taken);
        buffer[..bytes].copy_from_slice(&self.decoded[self.taken..self.taken + bytes]);
        self.taken += bytes;
        Ok(bytes)
    }
}

/// Writes UTF-8 in another encoding.
pub(super) struct EncodedWriter<W: Write> {
    output: W,
    encoding: TextEncoding,
    /// The beginning of a character whose end was not written yet.
    begun: Vec<u8>,
}

impl<W: Write> EncodedWriter<W> {
    pub(super) fn new(output: W, encoding: TextEncoding) -> Self {
        Self { output, encoding, begun: Vec::new() }
    }

    pub(super) fn into_inner(self) -> W {
        self.output
    }
}

impl<W: Write> Write for EncodedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encoding == TextEncoding::Utf8 {
            return self.output.write(bytes);
        }
        self.begun.extend_from_slice(bytes);
        let text = match std::str::from_utf8(&self.begun) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&self.begun[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        let mut encoder = GB18030.new_encoder();
        let mut encoded = vec![0; 4 * text.len() + 16];
        let (result, read, written) =
            encoder.encode_from_utf8_without_replacement(text, &mut encoded, true);
        match result {
            EncoderResult::InputEmpty => {}
            // GB18030 holds all of Unicode but one private-use character (U+E5E5).
            EncoderResult::Unmappable(c) => {
                let reason = format!("the character U+{:04X} is not in GB18030", u32::from(c));
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            EncoderResult::OutputFull => return Err(io::ErrorKind::WriteZero.into()),
        }
        self.output.write_all(&encoded[..written])?;
        self.begun.drain(..read);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "编号,评价\r\n007,\"借款人称\"\"逾期\"\"，㐀𠮷€龥\n😀\"\r\n";

    fn gb18030(text: &str) -> Vec<u8> {
        let mut writer = EncodedWriter::new(Vec::new(), TextEncoding::Gb18030);
        // A byte at a time: characters come in pieces.
        for byte in text.as_bytes() {
            writer.write_all(&[*byte]).unwrap();
        }
        writer.into_inner()
    }

    fn read(bytes: &[u8], encoding: Option<TextEncoding>) -> Vec<u8> {
        let mut text = Vec::new();
        decoded(io::Cursor::new(bytes.to_vec()), encoding).unwrap().read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn gb18030_is_told_from_utf_8_and_both_are_read_to_the_same_text() {
        let encoded = gb18030(TEXT);
        assert_ne!(encoded, TEXT.as_bytes());
        assert_eq!(TextEncoding::detect(&encoded), TextEncoding::Gb18030);
        assert_eq!(TextEncoding::detect(TEXT.as_bytes()), TextEncoding::Utf8);
        for bytes in [encoded.as_slice(), TEXT.as_bytes()] {
            assert_eq!(read(bytes, None), TEXT.as_bytes());
        }
        assert_eq!(read(&encoded, Some(TextEncoding::Gb18030)), TEXT.as_bytes());
    }

    #[test]
    fn gb18030_has_the_bytes_that_the_standard_gives() {
        // 中 two bytes (GB2312), 㐀 and 𠮷 four.
        assert_eq!(gb18030("中"), [0xD6, 0xD0]);
        assert_eq!(gb18030("㐀"), [0x81, 0x39, 0xEE, 0x39]);
        assert_eq!(gb18030("𠮷"), [0x95, 0x34, 0xB2, 0x35]);
    }

    #[test]
    fn a_few_broken_bytes_do_not_turn_utf_8_into_something_else() {
        let mut bytes = TEXT.as_bytes().to_vec();
        bytes.extend_from_slice(b"8,\xD6\xD0\n9,\xff\n");
        assert_eq!(TextEncoding::detect(&bytes), TextEncoding::Utf8);
        assert_eq!(TextEncoding::detect(b"id,text\n1,caf\xe9 noir\n"), TextEncoding::Utf8);
        assert_eq!(TextEncoding::detect(b""), TextEncoding::Utf8);
    }

    #[test]
    fn bytes_that_are_not_gb18030_spoil_their_own_record_only() {
        let mut bytes = gb18030("编号,评价\n1,借款人失联逾期\n2,");
        bytes.extend_from_slice(b"\xff\n");
        bytes.extend(gb18030(&"3,按时还款正常\n".repeat(20)));
        assert_eq!(TextEncoding::detect(&bytes), TextEncoding::Gb18030);
        let text = read(&bytes, None);
        let lines: Vec<_> = text.split(|&byte| byte == b'\n').collect();
        assert_eq!(lines[1], "1,借款人失联逾期".as_bytes());
        assert!(std::str::from_utf8(lines[2]).is_err());
        assert_eq!(lines[3], "3,按时还款正常".as_bytes());
    }
}
