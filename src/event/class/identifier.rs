//! What a hashed field takes. Hands out bytes to be hashed, and hashes nothing.

/// A value that `#[field(hash)]` takes: text or bytes that name something, such as a server.
///
/// The recipient can tell whether two reports of one computer and period are about the same thing, and never which thing
/// it is: the same server has another code on every computer. To learn which, list the known ones in a
/// [`Category`](crate::Category).
///
/// It leaves only as a keyed code under a secret of this computer and this scope, which changes with the event's period.
/// Even so, e-mail addresses, serial numbers, IP and hardware addresses, paths and titles do not belong here.
#[diagnostic::on_unimplemented(
    message = "`#[field(hash)]` does not take `{Self}`",
    label = "not text or bytes",
    note = "it takes &str, String, &[u8], Vec<u8>, and an Option of one of them, where None is not sent"
)]
pub trait Identifier {
    /// The bytes to be hashed, as they are; `None` is not sent.
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
