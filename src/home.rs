//! [`Home`]: uses the platform's directories for a program's data only if they belong to this user.
//!
//! A program under `sudo` often has the home directory of the user who called it. Files that candor made there would belong to
//! root and would block the person's own programs. If there is no home directory, or it can't be used, every scope is closed and
//! the status says why.
//!
//! Directories that the program sets itself ([`Config::directories`](crate::Config::directories)) are its own choice and are not
//! checked here. This module never creates or changes anything by itself: it checks, and passes calls on.

use crate::{
    ambient,
    disk::{self, Disk, Handle, Need, Stat, Whose},
    sync::Mutex,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What a person can do if a directory can't be used.
const FIX: &str = "run the program as that user, give it a home of its own (`sudo -H`), or pass directories with \
                    `Config::directories`";

/// A path that is used if there is no directory. Nothing is ever looked up in it.
const NOWHERE: &str = "/nowhere";

/// A disk that does nothing in an application's directories until a check has shown that they are in a directory of this user.
pub(crate) struct Home {
    disk: Arc<dyn Disk>,
    /// The application's directories.
    places: [PathBuf; 2],
    /// Why there are no directories, if so.
    missing: Option<String>,
    /// The person's home directory, as the environment or the system reports it.
    home: Option<PathBuf>,
    /// Whether a check has shown that the directories belong to this user.
    own: AtomicBool,
    /// Why the directories must not be used, according to the last check.
    why: Mutex<Option<String>>,
}

/// The result of checking the directories.
enum Found {
    Own,
    /// They must not be used, and this is why.
    Barred(String),
    /// The system did not allow the check.
    Failed(io::Error),
}

/// Returns the platform's directories for data and for marks, and the disk restricted to what may be done there.
pub(crate) fn of_platform(disk: Arc<dyn Disk>, application: &str) -> (Arc<dyn Disk>, (PathBuf, PathBuf)) {
    let named = ambient::platform_directories();
    let missing = match &named {
        None => Some(
            "this machine names no place for a program's data: set HOME, or pass directories with `Config::directories`"
                .to_owned(),
        ),
        Some((data, marks)) => [data, marks].into_iter().find(|place| !place.is_absolute()).map(|place| {
            format!(
                "the place that this machine names for a program's data, `{}`, is not an absolute path: set HOME to one, or \
                 pass directories with `Config::directories`",
                place.display()
            )
        }),
    };
    let nowhere = || (Path::new(NOWHERE).join("data"), Path::new(NOWHERE).join("marks"));
    let (data, marks) = named.filter(|_| missing.is_none()).unwrap_or_else(nowhere);
    let places = [&data, &marks].map(|place| place.join(application));
    let home = Home {
        disk,
        places,
        missing,
        home: ambient::home_directory(),
        own: AtomicBool::new(false),
        why: Mutex::new(None),
    };
    (Arc::new(home), (data, marks))
}

impl Home {
    fn look(&self) -> Found {
        let found = self.look_at_places();
        match &found {
            Found::Own => *self.why.lock() = None,
            Found::Barred(why) => *self.why.lock() = Some(why.clone()),
            Found::Failed(_) => {}
        }
        found
    }

    fn look_at_places(&self) -> Found {
        if let Some(why) = &self.missing {
            return Found::Barred(why.clone());
        }
        for place in &self.places {
            // A home directory to which this user was given access still belongs to its owner. One that belongs to root is
            // accepted, because containers have that.
            if let Some(home) = self.home.as_deref().filter(|home| place.starts_with(home))
                && let Ok(Some(Whose::Others(user))) = disk::whose(home)
                && user != 0
            {
                return foreign(home);
            }
            // Checks the nearest existing directory above, because missing ones would be created in it.
            for step in place.ancestors() {
                match disk::whose(step) {
                    Ok(Some(Whose::Own)) => break,
                    Ok(Some(Whose::Others(_))) => return foreign(step),
                    Ok(Some(Whose::NoDirectory)) => {
                        return Found::Barred(format!(
                            "`{}` is not a directory: put one there, or pass directories with `Config::directories`",
                            step.display()
                        ));
                    }
                    Ok(None) => {}
                    // A parent is not a directory; a following iteration reports it.
                    Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
                    Err(error) => return Found::Failed(error),
                }
            }
        }
        Found::Own
    }

    /// Fails if the directories can't be used. With `again`, checks again even if an earlier check succeeded.
    fn allow(&self, again: bool) -> io::Result<()> {
        if !again && self.own.load(Ordering::SeqCst) {
            return Ok(());
        }
        match self.look() {
            Found::Own => {
                self.own.store(true, Ordering::SeqCst);
                Ok(())
            }
            Found::Barred(_) => Err(disk::refused("it is in no place of this user's own")),
            Found::Failed(error) => Err(error),
        }
    }

    /// Returns what exists at a path.
    ///
    /// In the application's directories, an existing file is reported only if the directories belong to this user. That nothing
    /// exists may be reported anywhere, so that a program that never asked its person makes no further checks.
    fn seen(&self, path: &Path) -> io::Result<Option<Stat>> {
        let seen = self.disk.stat(path);
        if !matches!(seen, Ok(None)) && self.places.iter().any(|place| path.starts_with(place)) {
            self.allow(false)?;
        }
        seen
    }

    fn is_unseen(&self, path: &Path) -> bool {
        !self.own.load(Ordering::SeqCst) && self.places.iter().any(|place| path.starts_with(place))
    }
}

fn foreign(directory: &Path) -> Found {
    Found::Barred(format!("`{}` belongs to another user, and nothing is kept there: {FIX}", directory.display()))
}

impl Disk for Home {
    fn barred(&self) -> Option<String> {
        if self.own.load(Ordering::SeqCst) {
            return None;
        }
        match self.look() {
            Found::Barred(why) => Some(why),
            _ => None,
        }
    }

    fn barred_as_seen(&self) -> Option<String> {
        self.missing.clone().or_else(|| self.why.lock().clone())
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.seen(path)
    }

    fn close_to_others(&self, directory: &Path) -> io::Result<()> {
        self.allow(true)?;
        self.disk.close_to_others(directory)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        // The process may have changed its user since the last check.
        self.allow(true)?;
        self.disk.make_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        if self.is_unseen(path) && self.seen(path)?.is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.disk.list(path)
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        if self.is_unseen(path) && self.seen(path)?.is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.disk.read(path, most)
    }

    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.disk.read_shared(path, most)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.allow(false)?;
        self.disk.create(path)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.allow(false)?;
        self.disk.append(path)
    }

    fn open_to_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.allow(false)?;
        self.disk.open_to_lock(path)
    }

    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.allow(false)?;
        self.disk.lock_file(path)
    }

    fn may_write(&self, directory: &Path, need: Need) -> io::Result<()> {
        self.allow(false)?;
        self.disk.may_write(directory, need)
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.allow(false)?;
        self.disk.open_lock(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.allow(false)?;
        self.disk.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.allow(false)?;
        self.disk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.allow(false)?;
        self.disk.remove_file(path)
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.allow(false)?;
        self.disk.remove_tree(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.allow(false)?;
        self.disk.sync_dir(path)
    }
}
