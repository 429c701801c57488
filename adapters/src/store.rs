//! What was handed out, kept across restarts in an embedded ACID store.
//!
//! One file in a state directory, two tables of text: the allocations of Services and the addresses of pods. What
//! the text means is the caller's business. A saved change is on the disk when [`Store::save`] returns, so a process
//! that is killed the next moment finds it again.

use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The file in the state directory.
const FILE: &str = "allocations.redb";

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Addresses and node ports of a Service, by `namespace/name`.
    Services,
    /// Addresses of a pod, by `namespace/name`.
    Pods,
}

/// Allocations on disk. Only one process at a time can have a state directory open.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

/// The state can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory can't be made.
    #[error("can't make the state directory {path}: {error}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Another process has the state open.
    #[error(
        "another svckit uses the state in {path}; end it, or name another directory with --state"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The store refused; the disk is full, the file is damaged or not ours.
    #[error("the state in {path} can't be used: {message}; take the file away to start anew")]
    Refused {
        /// The file.
        path: PathBuf,
        /// The store's own words.
        message: String,
    },
}

impl Kept {
    const fn table(self) -> TableDefinition<'static, &'static str, &'static str> {
        match self {
            Self::Services => TableDefinition::new("services"),
            Self::Pods => TableDefinition::new("pods"),
        }
    }
}

impl Store {
    /// Opens the state in `directory`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// The directory can't be made, another process uses it, or the file in it is not a store.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(directory)
            .map_err(|error| StoreError::Directory { path: directory.into(), error })?;
        let path = directory.join(FILE);
        match Database::create(&path) {
            Ok(database) => Ok(Self { database }),
            Err(DatabaseError::DatabaseAlreadyOpen) => {
                Err(StoreError::InUse { path: directory.into() })
            }
            Err(error) => Err(StoreError::Refused { path, message: error.to_string() }),
        }
    }

    /// All entries of one table, by key.
    ///
    /// # Errors
    ///
    /// The file can't be read.
    pub fn load(&self, kept: Kept) -> Result<Vec<(String, String)>, StoreError> {
        let read = || -> Result<_, redb::Error> {
            let reading = self.database.begin_read()?;
            let table = match reading.open_table(kept.table()) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            let mut entries = Vec::new();
            for entry in table.iter()? {
                let (key, value) = entry?;
                entries.push((key.value().into(), value.value().into()));
            }
            Ok(entries)
        };
        read().map_err(refused)
    }

    /// Writes entries, or removes those without a value; all of them or none.
    ///
    /// # Errors
    ///
    /// The file can't be written; nothing has changed then.
    pub fn save(&self, changes: &[(Kept, String, Option<String>)]) -> Result<(), StoreError> {
        let write = || -> Result<_, redb::Error> {
            let writing = self.database.begin_write()?;
            for (kept, key, value) in changes {
                let mut table = writing.open_table(kept.table())?;
                match value {
                    Some(value) => table.insert(key.as_str(), value.as_str())?,
                    None => table.remove(key.as_str())?,
                };
            }
            writing.commit()?;
            Ok(())
        };
        if changes.is_empty() { Ok(()) } else { write().map_err(refused) }
    }
}

fn refused(error: redb::Error) -> StoreError {
    StoreError::Refused { path: FILE.into(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_found_again() {
        let directory = std::env::temp_dir().join(format!("svckit-store-{}", std::process::id()));
        let entry = |key: &str, value: &str| (Kept::Services, key.into(), Some(value.into()));
        let store = Store::open(&directory).unwrap();
        assert_eq!(store.load(Kept::Services).unwrap(), []);
        store.save(&[entry("shop/cart", "1"), entry("shop/web", "2")]).unwrap();
        assert!(matches!(Store::open(&directory), Err(StoreError::InUse { .. })));
        drop(store);

        let store = Store::open(&directory).unwrap();
        store.save(&[(Kept::Services, "shop/cart".into(), None), entry("shop/web", "3")]).unwrap();
        assert_eq!(store.load(Kept::Services).unwrap(), [("shop/web".into(), "3".into())]);
        assert_eq!(store.load(Kept::Pods).unwrap(), []);
        drop(store);
        fs::write(directory.join(FILE), "not a store").unwrap();
        assert!(matches!(Store::open(&directory), Err(StoreError::Refused { .. })));
        fs::remove_dir_all(directory).unwrap();
    }
}
