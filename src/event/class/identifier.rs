//! Values that a hashed field takes. Provides the bytes to hash. Never hashes anything itself.

/// A value that `#[field(hash)]` takes: text or bytes that name something, such as a server.
///
/// It is sent only as a keyed code. The key is derived from a secret of this computer and this scope, and changes with
/// the period that the event's linkage names.
///
/// The recipient can tell whether two reports of one computer and period are about the same thing, but not which thing
/// it is: the same server has a different code on every computer. To learn which one it is, list the known ones in a
/// [`Category`](crate::Category).
///
/// Even so, don't use it for e-mail addresses, serial numbers, IP or hardware addresses, paths or titles.
#[diagnostic::on_unimplemented(
    message = "`#[field(hash)]` does not take `{Self}`",
    label = "not text or bytes",
    note = "it takes &str, String, &[u8], Vec<u8>, and an Option of one of them, where None is not sent"
)]
pub trait Identifier {
    /// The bytes to hash, unchanged. `None` is not sent.
    fn identifier_bytes(&self) -> Option<&[u8]>;
}

#[diagnostic::do_not_recommend]
impl Identifier for str {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

#[diagnostic::do_not_recommend]
impl Identifier for String {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

#[diagnostic::do_not_recommend]
impl Identifier for [u8] {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl Identifier for Vec<u8> {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Identifier + ?Sized> Identifier for &T {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        (**self).identifier_bytes()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Identifier> Identifier for Option<T> {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        self.as_ref().and_then(Identifier::identifier_bytes)
    }
}
