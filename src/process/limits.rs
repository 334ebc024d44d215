//! How many files the system lets the process open, and what that leaves for clients.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// Files that the server needs for itself: listeners, log, the journal to come.
const RESERVED_FILES: u64 = 32;

/// Raises the limit of open files to what `maxclients` needs; where the system does not allow that,
/// lowers `maxclients`, and says so in the log. From then on CONFIG SET maxclients has to fit too.
///
/// # Errors
/// Not even one client fits; in words for the log.
pub fn fit_maxclients(config: &Config) -> Result<(), String> {
    let asked = config.maxclients.get_u64();
    let fitting = raise(asked);
    if fitting == 0 {
        return Err("too few files may be open for even one client: raise 'ulimit -n'".into());
    }
    if fitting < asked {
        tracing::warn!(
            "You requested maxclients of {asked} requiring at least {} max file descriptors.",
            asked + RESERVED_FILES
        );
        tracing::warn!(
            "Current maximum open files is {}. maxclients has been reduced to {fitting} to \
             compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.",
            fitting + RESERVED_FILES
        );
        let fitting = fitting.to_string();
        config
            .set(&[(b"maxclients", fitting.as_bytes())], true)
            .map_err(|error| error.to_string())?;
    }
    config.on_change("maxclients", Box::new(check));
    Ok(())
}

fn check(config: &Config) -> Result<(), String> {
    let asked = config.maxclients.get_u64();
    let fitting = raise(asked);
    if fitting < asked {
        return Err(format!(
            "The operating system is not able to handle the specified number of clients, try \
             with {fitting}"
        ));
    }
    Ok(())
}

/// Lets as many files be open as this many clients need, or as near to that as the system allows;
/// the number of clients that then fit, at most those asked for.
fn raise(clients: u64) -> u64 {
    let needed = clients + RESERVED_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is no limit at all.
    let Some(mut allowed) = current else { return clients };
    if allowed < needed {
        let wanted = maximum.map_or(needed, |maximum| needed.min(maximum));
        // Raising the soft limit up to the hard one is never refused; raising both may be.
        if let Some(maximum) = maximum.filter(|maximum| *maximum < needed) {
            let both = Rlimit { current: Some(needed), maximum: Some(needed) };
            allowed = if setrlimit(Resource::Nofile, both).is_ok() { needed } else { allowed };
            if allowed < needed {
                let soft = Rlimit { current: Some(maximum), maximum: Some(maximum) };
                allowed = if setrlimit(Resource::Nofile, soft).is_ok() { maximum } else { allowed };
            }
        } else {
            let soft = Rlimit { current: Some(wanted), maximum };
            allowed = if setrlimit(Resource::Nofile, soft).is_ok() { wanted } else { allowed };
        }
    }
    clients.min(allowed.saturating_sub(RESERVED_FILES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_left_alone_and_what_cannot_is_refused() {
        let config = Config::from_lines("maxclients 8").expect("a good line");
        fit_maxclients(&config).expect("eight clients fit everywhere");
        assert_eq!(config.maxclients.get(), 8);
        // More than the kernel lets any process open.
        let error = config.set(&[(b"maxclients", b"4000000000")], false).expect_err("far too many");
        let text = error.to_string();
        assert!(text.contains("is not able to handle the specified number of clients"), "{text}");
        assert_eq!(config.maxclients.get(), 8);
    }
}
