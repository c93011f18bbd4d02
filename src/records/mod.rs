//! Reading reviews and writing predictions: CSV, JSON lines, Excel, Parquet and databases. This room
//! knows no model.

mod collection;
mod compression;
pub mod database;
mod database_reader;
mod decoding;
mod encoding;
mod excel_reader;
mod excel_writer;
mod framing;
mod input;
mod output;
mod parquet_reader;
mod parquet_writer;
mod predictions;
mod reader;
mod refusal;
mod table;
mod text_reader;

pub use collection::{CollectionError, InputDigest, ReviewCollection};
pub use encoding::TextEncoding;
pub use excel_reader::MAX_EXCEL_ROWS;
pub use input::{InputError, InputMeter, InputOptions, RecordFormat};
pub use output::OutputFile;
pub use predictions::{PredictionColumns, PredictionRow, PredictionWriter, RefusalWriter};
pub use reader::{FieldNames, Review, ReviewItem, ReviewReader, ReviewSource};
pub use refusal::{Refusal, RefusalReason};
pub use table::{Cell, Column, ColumnKind, OutputFormat, TableWriter, Tone};
