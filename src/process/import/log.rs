//! The commands of an AOF, run one after the other.

use std::path::Path;

use super::{Import, ImportError, OneFile, Truncated, Unknown};
use crate::command::replay::{Unapplied, apply_foreign};
use crate::rdb::{Fault, Source, aof};

/// A request, and where it begins.
struct Request {
    offset: u64,
    args: Vec<Vec<u8>>,
}

impl Request {
    fn is(&self, name: &str) -> bool {
        self.args[0].eq_ignore_ascii_case(name.as_bytes())
    }
}

impl Import<'_> {
    /// Runs what is left of a file.
    pub(super) fn log(
        &mut self,
        source: &mut Source<'_>,
        file: &OneFile<'_>,
    ) -> Result<(), ImportError> {
        let path = file.path;
        // Each file begins in the first database.
        self.session.db = 0;
        // Behind the last whole step: a transaction is one.
        let mut whole = source.offset();
        let mut transaction: Option<Vec<Request>> = None;
        let is_cut = loop {
            let offset = source.offset();
            let request = match aof::next_request(source) {
                Ok(Some(args)) => Request { offset, args },
                Ok(None) => break transaction.is_some(),
                Err(error) if matches!(error.fault, Fault::Truncated) && file.is_last => {
                    break true;
                }
                Err(error) => return Err(file.damaged(error)),
            };
            match &mut transaction {
                None if request.is("MULTI") => {
                    transaction = Some(Vec::new());
                    continue;
                }
                None => self.run(path, &request)?,
                Some(_) if request.is("EXEC") => {
                    for request in transaction.take().unwrap_or_default() {
                        self.run(path, &request)?;
                    }
                }
                Some(queued) => {
                    queued.push(request);
                    continue;
                }
            }
            whole = source.offset();
        };
        if is_cut && !file.is_last {
            return Err(file.damaged(source.error(Fault::Truncated)));
        }
        if is_cut {
            let lost_bytes = file.bytes.saturating_sub(whole);
            self.report.truncated =
                Some(Truncated { path: path.to_owned(), offset: whole, lost_bytes });
        }
        Ok(())
    }

    fn run(&mut self, path: &Path, request: &Request) -> Result<(), ImportError> {
        let args: Vec<&[u8]> = request.args.iter().map(Vec::as_slice).collect();
        let outcome = apply_foreign(self.server, &mut self.session, &args, self.now_ms);
        let shown = String::from_utf8_lossy(args[0]).to_uppercase();
        let kind = match outcome {
            Ok(()) => {
                self.report.commands += 1;
                return Ok(());
            }
            Err(Unapplied::Refused(_)) if request.is("SELECT") => {
                let db = args.get(1).map_or_else(String::new, |db| db.escape_ascii().to_string());
                let databases = self.server.keyspace.databases();
                return Err(ImportError::Database { path: path.to_owned(), db, databases });
            }
            Err(Unapplied::Unknown) => format!("command {shown}"),
            Err(Unapplied::Refused(error)) => {
                let error = error.text().escape_ascii();
                format!("command {shown} at offset {}: {error}", request.offset)
            }
        };
        let name = args.get(1).copied().unwrap_or_default().to_vec();
        self.name(Unknown { db: self.session.db as u64, name, kind });
        Ok(())
    }
}
