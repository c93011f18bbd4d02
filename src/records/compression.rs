//! gzip and zstd, by a file's ending.

use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// A reader's buffer, in bytes.
const BUFFER: usize = 1 << 16;

impl Compression {
    /// How a file is compressed by its ending, and its name without that ending.
    pub(super) fn of_path(path: &Path) -> (Self, PathBuf) {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let compression = match ending.to_ascii_lowercase().as_str() {
            "gz" => Self::Gzip,
            "zst" | "zstd" => Self::Zstd,
            _ => return (Self::None, path.to_owned()),
        };
        (compression, path.with_extension(""))
    }

    /// What is compressed in `input`. A file of several compressed parts is read to its end.
    pub(super) fn reader(
        self,
        input: impl Read + Send + 'static,
    ) -> io::Result<Box<dyn Read + Send>> {
        let input = BufReader::with_capacity(BUFFER, input);
        Ok(match self {
            Self::None => Box::new(input),
            Self::Gzip => Box::new(MultiGzDecoder::new(input)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(input)?),
        })
    }

    /// A writer that compresses into `output`.
    pub(super) fn writer<W: Write>(self, output: W) -> io::Result<CompressedWriter<W>> {
        Ok(match self {
            Self::None => CompressedWriter::None(output),
            Self::Gzip => {
                CompressedWriter::Gzip(GzEncoder::new(output, flate2::Compression::default()))
            }
            Self::Zstd => {
                let level = zstd::DEFAULT_COMPRESSION_LEVEL;
                CompressedWriter::Zstd(zstd::Encoder::new(output, level)?)
            }
        })
    }
}

/// Compresses what is written to it.
pub(super) enum CompressedWriter<W: Write> {
    None(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> CompressedWriter<W> {
    /// Writes the end of the compressed data and gives the output back.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::None(output) => Ok(output),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> std::fmt::Debug for CompressedWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None(_) => "None",
            Self::Gzip(_) => "Gzip",
            Self::Zstd(_) => "Zstd",
        })
    }
}

impl<W: Write> Write for CompressedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(output) => output.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(output) => output.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_even_in_several_parts() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let mut bytes = Vec::new();
            for part in ["贷后", "检查"] {
                let mut writer = compression.writer(bytes).unwrap();
                writer.write_all(part.as_bytes()).unwrap();
                bytes = writer.finish().unwrap();
            }
            let mut text = String::new();
            let mut reader = compression.reader(io::Cursor::new(bytes)).unwrap();
            reader.read_to_string(&mut text).unwrap();
            assert_eq!(text, "贷后检查", "{compression:?}");
        }
    }

    #[test]
    fn a_compressed_file_that_ends_too_early_is_an_error() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let mut writer = compression.writer(Vec::new()).unwrap();
            writer.write_all("贷后检查评价".repeat(100).as_bytes()).unwrap();
            let mut bytes = writer.finish().unwrap();
            bytes.truncate(bytes.len() - 6);
            let mut reader = compression.reader(io::Cursor::new(bytes)).unwrap();
            assert!(reader.read_to_end(&mut Vec::new()).is_err(), "{compression:?}");
        }
    }

    #[test]
    fn the_ending_tells() {
        let of = |path| Compression::of_path(Path::new(path));
        assert_eq!(of("a/day.csv.gz"), (Compression::Gzip, "a/day.csv".into()));
        assert_eq!(of("day.jsonl.ZST"), (Compression::Zstd, "day.jsonl".into()));
        assert_eq!(of("day.csv"), (Compression::None, "day.csv".into()));
    }
}
