//! Sparse rows and the matrix they make, in compressed sparse row form.

use linfa::dataset::Records;

use super::vocabulary::TermId;

/// A sparse vector: term ids in ascending order, each with its value.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct SparseRow {
    ids: Vec<TermId>,
    values: Vec<f64>,
}

impl SparseRow {
    /// Removes all entries and keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.values.clear();
    }

    /// Adds an entry. Ids must come in ascending order.
    pub fn push(&mut self, id: TermId, value: f64) {
        debug_assert!(self.ids.last().is_none_or(|&last| last < id));
        self.ids.push(id);
        self.values.push(value);
    }

    /// The entries in ascending order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (TermId, f64)> + '_ {
        self.ids.iter().copied().zip(self.values.iter().copied())
    }

    /// The value at `id`; 0 where there is no entry.
    #[must_use]
    pub fn get(&self, id: TermId) -> f64 {
        self.ids.binary_search(&id).map_or(0.0, |position| self.values[position])
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Divides the row by its Euclidean norm; a row of zeros stays one.
    pub fn normalize(&mut self) {
        self.normalize_from(0);
    }

    /// Multiplies the entries from position `start` by the factors of their ids.
    pub(super) fn scale_from(&mut self, start: usize, factor: impl Fn(TermId) -> f64) {
        for (value, &id) in self.values[start..].iter_mut().zip(&self.ids[start..]) {
            *value *= factor(id);
        }
    }

    /// Divides the entries from position `start` by their Euclidean norm.
    pub(super) fn normalize_from(&mut self, start: usize) {
        let values = &mut self.values[start..];
        let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm > 0.0 {
            values.iter_mut().for_each(|value| *value /= norm);
        }
    }
}

/// A sparse matrix of shape (rows, columns) in compressed sparse row form.
///
/// It is a [`linfa` record set](Records), so that a `linfa::DatasetBase` can hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseMatrix {
    columns: usize,
    /// Row `i` is the entries `starts[i]..starts[i + 1]`.
    starts: Vec<usize>,
    ids: Vec<TermId>,
    values: Vec<f64>,
}

impl SparseMatrix {
    /// A matrix of no rows and `columns` columns.
    #[must_use]
    pub fn with_columns(columns: usize) -> Self {
        Self { columns, starts: vec![0], ids: Vec::new(), values: Vec::new() }
    }

    /// Adds a row at the end.
    ///
    /// # Panics
    ///
    /// If an entry lies outside the columns.
    pub fn push_row(&mut self, row: &SparseRow) {
        assert!(
            row.ids.last().is_none_or(|&last| (last as usize) < self.columns),
            "a row reaches beyond the {} columns",
            self.columns
        );
        self.ids.extend_from_slice(&row.ids);
        self.values.extend_from_slice(&row.values);
        self.starts.push(self.ids.len());
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.ids.len()
    }

    /// The ids and values of row `row`, in ascending order of the ids.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> (&[TermId], &[f64]) {
        let range = self.starts[row]..self.starts[row + 1];
        (&self.ids[range.clone()], &self.values[range])
    }

    /// The transposed matrix: row `j` of it holds column `j`, in ascending order of the rows.
    ///
    /// # Panics
    ///
    /// If the matrix has more than `u32::MAX` rows.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let rows = u32::try_from(self.rows()).unwrap_or_else(|_| panic!("more than 2^32 rows"));
        let mut starts = vec![0; self.columns + 1];
        for &id in &self.ids {
            starts[id as usize + 1] += 1;
        }
        for column in 0..self.columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut ids = vec![0; self.ids.len()];
        let mut values = vec![0.0; self.ids.len()];
        for row in 0..rows {
            let (row_ids, row_values) = self.row(row as usize);
            for (&id, &value) in row_ids.iter().zip(row_values) {
                let place = &mut next[id as usize];
                ids[*place] = row;
                values[*place] = value;
                *place += 1;
            }
        }
        Self { columns: self.rows(), starts, ids, values }
    }
}

impl Records for SparseMatrix {
    type Elem = f64;

    fn nsamples(&self) -> usize {
        self.rows()
    }

    fn nfeatures(&self) -> usize {
        self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(entries: &[(TermId, f64)]) -> SparseRow {
        let mut row = SparseRow::default();
        entries.iter().for_each(|&(id, value)| row.push(id, value));
        row
    }

    #[test]
    fn a_normalized_row_has_length_one_and_an_empty_one_stays_empty() {
        let mut normalized = row(&[(1, 3.0), (4, 4.0)]);
        normalized.normalize();
        assert_eq!(normalized, row(&[(1, 0.6), (4, 0.8)]));
        assert_eq!(normalized.get(4), 0.8);
        assert_eq!(normalized.get(2), 0.0);
        let mut empty = row(&[]);
        empty.normalize();
        assert!(empty.is_empty());
    }

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        let mut matrix = SparseMatrix::with_columns(4);
        matrix.push_row(&row(&[(0, 1.0), (3, 2.0)]));
        matrix.push_row(&row(&[]));
        matrix.push_row(&row(&[(1, 3.0), (3, 4.0)]));
        let transposed = matrix.transposed();
        assert_eq!((transposed.rows(), transposed.columns()), (4, 3));
        assert_eq!(transposed.row(3), (&[0, 2][..], &[2.0, 4.0][..]));
        assert_eq!(transposed.transposed(), matrix);
    }

    #[test]
    #[should_panic(expected = "beyond the 2 columns")]
    fn a_row_beyond_the_columns_is_refused() {
        SparseMatrix::with_columns(2).push_row(&row(&[(2, 1.0)]));
    }
}
