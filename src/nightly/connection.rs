//! A connection that is made again when it is lost, a bounded number of times.

use std::thread;
use std::time::Duration;

use super::event::{Event, Observer};
use crate::records::database::{self, Database, DatabaseAddress, DatabaseError, DatabaseErrorKind};

/// The first wait before something is tried again; each further one is twice as long, …
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// … but never longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// A database that is connected to when it is needed, and again when the connection was lost.
pub(super) struct Connection {
    address: DatabaseAddress,
    attempts: u32,
    database: Option<Box<dyn Database>>,
    observer: Observer,
}

impl Connection {
    pub(super) fn new(address: DatabaseAddress, attempts: u32, observer: Observer) -> Self {
        Self { address, attempts, database: None, observer }
    }

    /// Does something that may be done twice: a lost connection or a conflict has it done again.
    pub(super) fn retry<T>(
        &mut self,
        mut operation: impl FnMut(&mut dyn Database) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let error = match self.attempt(&mut operation) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if error.kind == DatabaseErrorKind::ConnectionLost {
                self.database = None;
            }
            if !error.can_be_retried() || attempt >= self.attempts {
                return Err(error);
            }
            let message = error.message;
            (self.observer)(Event::Retrying { database: error.database, message, wait });
            thread::sleep(wait);
            wait = (2 * wait).min(LONGEST_WAIT);
        }
        unreachable!("the loop ends by returning")
    }

    /// Does something in a transaction, which is kept if it succeeds. It may be done twice, even
    /// after it was kept: if the connection is lost in the moment of the commit, nobody knows.
    pub(super) fn transaction<T>(
        &mut self,
        mut operation: impl FnMut(&mut dyn Database) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        self.retry(|database| {
            database.begin()?;
            match operation(database).and_then(|value| database.commit().map(|()| value)) {
                Ok(value) => Ok(value),
                Err(error) => {
                    database.rollback();
                    Err(error)
                }
            }
        })
    }

    fn attempt<T>(
        &mut self,
        operation: &mut impl FnMut(&mut dyn Database) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let database = match &mut self.database {
            Some(database) => database,
            none => none.insert(database::connect(&self.address)?),
        };
        operation(&mut **database)
    }
}
