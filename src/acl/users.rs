//! All users.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::catalog::Catalog;
use super::file::{self, LoadError, Loaded};
use super::log::DeniedLog;
use super::rights::Rights;
use super::rule::RuleError;

/// The user that connections begin as. It is always there.
pub const DEFAULT_USER: &[u8] = b"default";

/// A user, held by everyone who has logged in as it.
pub struct User {
    name: Box<[u8]>,
    rights: RwLock<Arc<Rights>>,
    /// What `rights` say, for those who ask at every request.
    is_unrestricted: AtomicBool,
    is_removed: AtomicBool,
}

impl User {
    fn new(name: &[u8], rights: Rights) -> User {
        User {
            name: name.into(),
            is_unrestricted: AtomicBool::new(rights.allows_everything()),
            rights: RwLock::new(Arc::new(rights)),
            is_removed: AtomicBool::new(false),
        }
    }

    pub fn name(&self) -> &[u8] {
        &self.name
    }

    pub fn rights(&self) -> Arc<Rights> {
        Arc::clone(&self.rights.read())
    }

    /// Whether every request is allowed: there is nothing to check. A removed user never is.
    #[inline]
    pub fn is_unrestricted(&self) -> bool {
        self.is_unrestricted.load(Ordering::Acquire)
    }

    /// Whether it was deleted: who has logged in as it has to go.
    pub fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// Replaces the rights; gives those before.
    fn set_rights(&self, rights: Rights) -> Arc<Rights> {
        let mut place = self.rights.write();
        self.is_unrestricted.store(rights.allows_everything(), Ordering::Release);
        std::mem::replace(&mut place, Arc::new(rights))
    }

    fn remove(&self) {
        let _rights = self.rights.write();
        self.is_removed.store(true, Ordering::Release);
        self.is_unrestricted.store(false, Ordering::Release);
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "User({})", self.name.escape_ascii())
    }
}

/// A user's rights before they were changed: subscribers may have lost channels.
pub struct Changed {
    pub user: Arc<User>,
    pub before: Arc<Rights>,
}

/// What became of ACL DELUSER.
#[derive(Debug)]
pub enum Removed {
    Users(Vec<Arc<User>>),
    /// The default user was among them: none was removed.
    RefusedDefault,
}

/// All users, and what they were refused.
pub struct Acl {
    catalog: &'static Catalog,
    users: RwLock<BTreeMap<Box<[u8]>, Arc<User>>>,
    default: Arc<User>,
    /// The default user is on and needs no password.
    is_open: AtomicBool,
    /// New users and selectors may use every channel.
    all_channels: AtomicBool,
    pub denied: DeniedLog,
}

impl Acl {
    /// The default user alone, allowed everything.
    pub fn new(catalog: &'static Catalog) -> Acl {
        let default = Arc::new(User::new(DEFAULT_USER, Rights::all(catalog)));
        let users = BTreeMap::from([(DEFAULT_USER.into(), Arc::clone(&default))]);
        Acl {
            catalog,
            users: RwLock::new(users),
            default,
            is_open: AtomicBool::new(true),
            all_channels: AtomicBool::new(false),
            denied: DeniedLog::default(),
        }
    }

    pub fn catalog(&self) -> &'static Catalog {
        self.catalog
    }

    pub fn default_user(&self) -> &Arc<User> {
        &self.default
    }

    /// Whether a connection may go on without logging in.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Whether the default user has no need of a password, be it on or off.
    pub fn default_needs_no_password(&self) -> bool {
        self.default.rights().needs_no_password
    }

    /// `acl-pubsub-default`: whether new users and selectors may use every channel.
    pub fn set_channels_by_default(&self, all: bool) {
        self.all_channels.store(all, Ordering::Relaxed);
    }

    /// `requirepass`: the one password of the default user; empty for none.
    pub fn set_default_password(&self, plain: &[u8]) {
        let _users = self.users.write();
        let mut rights = Rights::clone(&self.default.rights());
        rights.set_password(plain);
        self.put_rights(&self.default, rights);
    }

    /// The user, if this is one of its passwords and it may log in.
    pub fn login(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        let user = self.get(name)?;
        user.rights().accepts(password).then_some(user)
    }

    pub fn get(&self, name: &[u8]) -> Option<Arc<User>> {
        self.users.read().get(name).cloned()
    }

    /// All users, in the order of their names.
    pub fn all(&self) -> Vec<Arc<User>> {
        self.users.read().values().cloned().collect()
    }

    /// Each user as a line of the file of users, without its end.
    pub fn lines(&self) -> Vec<Vec<u8>> {
        self.all().iter().map(|user| file::line_of(user.name(), &user.rights())).collect()
    }

    /// Changes a user, or makes one. The rules take effect together.
    ///
    /// # Errors
    /// The place of the first rule that cannot be applied; nothing has changed.
    pub fn change<R: AsRef<[u8]>>(
        &self,
        name: &[u8],
        rules: &[R],
    ) -> Result<Option<Changed>, (usize, RuleError)> {
        let mut users = self.users.write();
        let known = users.get(name).cloned();
        let all_channels = self.all_channels.load(Ordering::Relaxed);
        let mut rights = match &known {
            Some(user) => Rights::clone(&user.rights()),
            None => Rights::none(self.catalog, all_channels),
        };
        for (at, rule) in rules.iter().enumerate() {
            let applied = rights.apply(rule.as_ref(), self.catalog, all_channels);
            applied.map_err(|error| (at, error))?;
        }
        match known {
            Some(user) => Ok(Some(self.put_rights(&user, rights))),
            None => {
                users.insert(name.into(), Arc::new(User::new(name, rights)));
                Ok(None)
            }
        }
    }

    fn put_rights(&self, user: &Arc<User>, rights: Rights) -> Changed {
        if Arc::ptr_eq(user, &self.default) {
            self.is_open.store(rights.is_on && rights.needs_no_password, Ordering::Relaxed);
        }
        let before = user.set_rights(rights);
        Changed { user: Arc::clone(user), before }
    }

    /// Deletes users. Who is logged in as one of them is to be closed.
    pub fn remove(&self, names: &[&[u8]]) -> Removed {
        if names.contains(&DEFAULT_USER) {
            return Removed::RefusedDefault;
        }
        let mut users = self.users.write();
        let removed: Vec<Arc<User>> = names.iter().filter_map(|name| users.remove(*name)).collect();
        removed.iter().for_each(|user| user.remove());
        Removed::Users(removed)
    }

    /// Replaces all users by those of a file's text. Users that stay keep who is logged in; the
    /// default user stays in any case, and may do everything if the file does not name it.
    ///
    /// # Errors
    /// What is wrong with the text; nothing has changed.
    pub fn load(&self, text: &[u8], file_name: &str) -> Result<Loaded, LoadError> {
        let all_channels = self.all_channels.load(Ordering::Relaxed);
        let mut wanted = file::parse(text, file_name, self.catalog, all_channels)?;
        if !wanted.contains_key(DEFAULT_USER) {
            wanted.insert(DEFAULT_USER.into(), Rights::all(self.catalog));
        }
        let mut users = self.users.write();
        let mut loaded = Loaded::default();
        users.retain(|name, user| {
            let stays = wanted.contains_key(name);
            if !stays {
                user.remove();
                loaded.removed.push(Arc::clone(user));
            }
            stays
        });
        for (name, rights) in wanted {
            match users.get(&name) {
                Some(user) => loaded.changed.push(self.put_rights(user, rights)),
                None => {
                    let user = Arc::new(User::new(&name, rights));
                    users.insert(name, user);
                }
            }
        }
        Ok(loaded)
    }
}
