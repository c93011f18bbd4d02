//! Reading what a query of a database gives, row after row.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::database::{DatabaseAddress, TextRow, connect};
use super::decoding::{Undecodable, build_review, columns_of, not_utf8, nullable};
use super::framing::MAX_RECORD_BYTES;
use super::input::{InputError, InputMeter, InputOptions};
use super::reader::{FieldNames, ReviewItem};
use super::refusal::RefusalReason;

/// Rows come in portions of at most so many rows, …
const PORTION_ROWS: usize = 256;
/// … or closed at so many bytes.
const PORTION_BYTES: usize = 1 << 20;
/// How many portions may wait to be taken.
const PORTIONS: usize = 4;

/// What the thread with the connection tells: some reviews, or an error, which is the last.
type Portion = Result<Vec<ReviewItem>, InputError>;

/// Gives the reviews of a query.
///
/// A thread of its own holds the connection and waits while nobody takes what it has read.
pub(super) struct DatabaseReader {
    portions: Receiver<Portion>,
    portion: std::vec::IntoIter<ReviewItem>,
}

impl DatabaseReader {
    /// Connects, and looks for the columns of `fields` in what the query gives.
    pub(super) fn open(
        address: DatabaseAddress,
        options: &InputOptions,
        fields: FieldNames,
        meter: &InputMeter,
    ) -> Result<Self, InputError> {
        let Some(query) = &options.query else {
            return Err(InputError::NoQuery(address.to_string()));
        };
        let query = query.trim().trim_end_matches(';').to_owned();
        let address = match &options.password_env {
            Some(variable) => {
                let password = std::env::var(variable);
                let password = password.map_err(|_| InputError::Password(variable.clone()))?;
                address.with_password(Some(password))
            }
            None => address,
        };
        let rows = Rows {
            name: address.to_string().into(),
            fields,
            meter: meter.clone(),
            read: 0,
            portion: Vec::new(),
            bytes: 0,
        };
        let (sender, portions) = sync_channel(PORTIONS);
        thread::spawn(move || {
            if let Err(error) = rows.send_all(&address, &query, &sender) {
                // Whoever reads may have seen enough.
                let _ = sender.send(Err(error));
            }
        });
        let mut reader = Self { portions, portion: Vec::new().into_iter() };
        // The first portion is empty: the query can be run and has the columns.
        reader.next_portion()?;
        Ok(reader)
    }

    /// Waits for a portion; `false` at the end.
    fn next_portion(&mut self) -> Result<bool, InputError> {
        let Ok(portion) = self.portions.recv() else { return Ok(false) };
        self.portion = portion?.into_iter();
        Ok(true)
    }
}

impl Iterator for DatabaseReader {
    type Item = ReviewItem;

    fn next(&mut self) -> Option<ReviewItem> {
        loop {
            if let Some(item) = self.portion.next() {
                return Some(item);
            }
            match self.next_portion() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The rows of a query on their way to the reader.
struct Rows {
    name: Arc<str>,
    fields: FieldNames,
    meter: InputMeter,
    /// How many were read.
    read: u64,
    portion: Vec<ReviewItem>,
    /// How many bytes the portion has.
    bytes: usize,
}

impl Rows {
    fn send_all(
        mut self,
        address: &DatabaseAddress,
        query: &str,
        sender: &SyncSender<Portion>,
    ) -> Result<(), InputError> {
        let mut database = connect(address)?;
        let names = database.columns(query)?;
        let wanted = columns_of(&self.name, &names, &self.fields)?;
        // A digest is one of everything, whichever fields are asked for.
        let mut columns = wanted.clone();
        if self.meter.digests() {
            columns = (0..names.len()).collect();
            self.meter.add(json_line(&names).as_bytes());
        } else {
            columns.sort_unstable();
            columns.dedup();
        }
        // Each field's place among the columns that are read.
        let places: Vec<usize> =
            wanted.iter().map(|column| columns.partition_point(|other| other < column)).collect();
        if sender.send(Ok(Vec::new())).is_err() {
            return Ok(());
        }
        database.stream(query, &columns, &mut |row| {
            self.take(row, &places);
            let full = self.portion.len() == PORTION_ROWS || self.bytes >= PORTION_BYTES;
            !full || self.send(sender)
        })?;
        self.send(sender);
        Ok(())
    }

    /// Whether anybody took the portion.
    fn send(&mut self, sender: &SyncSender<Portion>) -> bool {
        self.bytes = 0;
        sender.send(Ok(std::mem::take(&mut self.portion))).is_ok()
    }

    fn take(&mut self, row: TextRow, places: &[usize]) {
        self.read += 1;
        let values: Vec<Option<&str>> =
            row.iter().map(|value| value.as_ref().map_or(None, Option::as_deref)).collect();
        let bytes = places.iter().filter_map(|&place| values[place]).map(str::len).sum();
        if self.meter.digests() {
            self.meter.add(json_line(&values).as_bytes());
        } else {
            self.meter.count(bytes);
        }
        self.bytes += bytes;
        let review = if bytes > MAX_RECORD_BYTES {
            let reason = RefusalReason::RecordTooLong { limit: MAX_RECORD_BYTES };
            Err(Undecodable::from(reason))
        } else {
            build_review(self.read, &self.fields, |position, field| {
                let value = row[places[position]].clone();
                let value = value.map_err(|error| not_utf8(&format!("field `{field}`"), error))?;
                nullable(field, field == self.fields.text, value)
            })
        };
        self.portion.push(Ok(review.map_err(|failed| failed.refusal(&self.name, self.read))));
    }
}

/// Some values as a line of JSON. Those that are not UTF-8 count as null.
fn json_line<T: serde::Serialize>(values: &[T]) -> String {
    // Strings and nulls are always JSON.
    serde_json::to_string(values).unwrap_or_default() + "\n"
}
