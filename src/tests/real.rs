//! A macro for disks of tests that watch or change a few calls. It passes the other calls to the real disk.

/// For use inside `impl Disk for …`. Makes the named calls on the real disk.
macro_rules! real {
    (stat) => {
        fn stat(&self, path: &std::path::Path) -> std::io::Result<Option<$crate::disk::Stat>> {
            $crate::disk::System.stat(path)
        }
    };
    (read) => {
        fn read(&self, path: &std::path::Path, most: u64) -> std::io::Result<Vec<u8>> {
            $crate::disk::System.read(path, most)
        }
    };
    (read_shared) => {
        fn read_shared(&self, path: &std::path::Path, most: u64) -> std::io::Result<Vec<u8>> {
            $crate::disk::System.read_shared(path, most)
        }
    };
    (list) => {
        fn list(&self, path: &std::path::Path) -> std::io::Result<Vec<String>> {
            $crate::disk::System.list(path)
        }
    };
    (rename) => {
        fn rename(&self, from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
            $crate::disk::System.rename(from, to)
        }
    };
    (create) => { $crate::tests::real!(= create Box<dyn $crate::disk::Handle>); };
    (append) => { $crate::tests::real!(= append Box<dyn $crate::disk::Handle>); };
    (lock_file) => { $crate::tests::real!(= lock_file Box<dyn $crate::disk::Handle>); };
    (make_dir) => { $crate::tests::real!(= make_dir ()); };
    (remove_file) => { $crate::tests::real!(= remove_file ()); };
    (remove_tree) => { $crate::tests::real!(= remove_tree ()); };
    (sync_dir) => { $crate::tests::real!(= sync_dir ()); };
    (= $call:ident $answer:ty) => {
        fn $call(&self, path: &std::path::Path) -> std::io::Result<$answer> {
            $crate::disk::System.$call(path)
        }
    };
    ($($call:ident)+) => {
        $($crate::tests::real!($call);)+
    };
}
pub(crate) use real;
