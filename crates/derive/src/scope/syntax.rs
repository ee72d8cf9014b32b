//! The syntax of a scope declaration. This module never checks what the values mean.
//!
//! If a value can't be read, the keys after it are still read, so that all mistakes are reported together.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::fmt::Display;
use syn::{
    Attribute, Error, Ident, LitInt, LitStr, Path, Result, Token, Visibility, braced, bracketed,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token,
};

/// All scopes of one `scope!`.
pub(super) struct Declared(pub(super) Vec<Written>);

/// One scope in source form: `/// … pub PLAYBACK = "playback" { key: value, … }`.
pub(super) struct Written {
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) constant: Ident,
    pub(super) name: LitStr,
    pub(super) entries: Vec<(Ident, Result<Value>)>,
}

/// The value of a key.
pub(super) enum Value {
    /// `"…"`
    Text(LitStr),
    /// `1`, or `90 days` with a unit
    Number(LitInt, Option<Ident>),
    /// `installation`, `no`, `none`
    Word(Ident),
    /// `yes("what for")`
    Yes(Ident, LitStr),
    /// `["…", "…"]`
    List(token::Bracket, Punctuated<LitStr, Token![,]>),
    /// `{ controller: CODECLIB, endpoint: "https://…" }`
    Library(token::Brace, Path, LitStr),
}

impl Value {
    /// Returns an error at the place of the value.
    pub(super) fn wrong(&self, message: impl Display) -> Error {
        Error::new_spanned(self, message)
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Value::Text(text) => quote!(#text),
            Value::Number(number, unit) => quote!(#number #unit),
            Value::Word(word) => quote!(#word),
            Value::Yes(yes, what) => quote!(#yes #what),
            Value::List(bracket, list) => {
                let mut whole = TokenStream::new();
                bracket.surround(&mut whole, |inside| list.to_tokens(inside));
                whole
            }
            Value::Library(brace, controller, endpoint) => {
                let mut whole = TokenStream::new();
                brace.surround(&mut whole, |inside| inside.extend(quote!(#controller #endpoint)));
                whole
            }
        });
    }
}

impl Parse for Declared {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut scopes = Vec::new();
        while !input.is_empty() {
            scopes.push(input.parse()?);
        }
        if scopes.is_empty() {
            return Err(Error::new(
                Span::call_site(),
                "no scope is declared here: write `/// its purpose`, and below it `pub PLAYBACK = \"playback\" { … }`",
            ));
        }
        Ok(Declared(scopes))
    }
}

impl Parse for Written {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if input.peek(Token![const]) || input.peek(Token![static]) {
            return Err(input
                .error("a scope is declared without `const` or `static`: write `pub PLAYBACK = \"playback\" { … }`"));
        }
        let constant = input.parse()?;
        input.parse::<Token![=]>()?;
        let name = input.parse()?;
        let content;
        braced!(content in input);
        Ok(Written { attrs, vis, constant, name, entries: entries(&content)? })
    }
}

fn entries(input: ParseStream<'_>) -> Result<Vec<(Ident, Result<Value>)>> {
    let mut entries = Vec::new();
    while !input.is_empty() {
        let key = input.call(Ident::parse_any)?;
        let mut value = match input.parse::<Token![:]>() {
            Ok(_) => input.parse::<Value>(),
            Err(error) => Err(Error::new(error.span(), format!("write `:` after the key: `{key}: …,`"))),
        };
        if value.is_ok() && !input.is_empty() && !input.peek(Token![,]) {
            value = Err(input.error(format!("write `,` after the value of `{key}`")));
        }
        while !input.is_empty() && !input.peek(Token![,]) && !next_key(input) {
            input.parse::<TokenTree>()?;
        }
        input.parse::<Option<Token![,]>>()?;
        entries.push((key, value));
    }
    Ok(entries)
}

/// Whether `key:` comes next. No value begins like that.
fn next_key(input: ParseStream<'_>) -> bool {
    input.peek(Ident::peek_any) && input.peek2(Token![:])
}

/// Reads the controller of a library's scope and the endpoint of its reports.
fn library(input: ParseStream<'_>) -> Result<(Path, LitStr)> {
    const FIX: &str = "write `library: { controller: CONTROLLER, endpoint: \"https://…\" },`, with a constant of type \
                        `candor::Controller`";
    let (mut controller, mut endpoint) = (None, None);
    while !input.is_empty() {
        let key = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        let again = match key.to_string().as_str() {
            "controller" => controller.replace(input.parse::<Path>()?).is_some(),
            "endpoint" => endpoint.replace(input.parse::<LitStr>()?).is_some(),
            _ => return Err(Error::new(key.span(), format!("`library` has no key `{key}`: {FIX}"))),
        };
        if again {
            return Err(Error::new(key.span(), format!("`{key}` is written twice: leave one of the two out")));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    controller
        .zip(endpoint)
        .ok_or_else(|| Error::new(input.span(), format!("a library names both its controller and its endpoint: {FIX}")))
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            return input.parse().map(Value::Text);
        }
        if input.peek(LitInt) {
            let number: LitInt = input.parse()?;
            // `90days` is one token with the same meaning.
            let unit = match number.suffix() {
                "" if next_key(input) => None,
                "" => input.peek(Ident::peek_any).then(|| input.call(Ident::parse_any)).transpose()?,
                suffix => Some(Ident::new(suffix, number.span())),
            };
            return Ok(Value::Number(number, unit));
        }
        if input.peek(token::Bracket) {
            let content;
            let bracket = bracketed!(content in input);
            return Ok(Value::List(bracket, content.parse_terminated(<LitStr as Parse>::parse, Token![,])?));
        }
        if input.peek(token::Brace) {
            let content;
            let brace = braced!(content in input);
            let read = library(&content);
            // The parser would report unread tokens in place of the mistake.
            while !content.is_empty() {
                content.parse::<TokenTree>()?;
            }
            let (controller, endpoint) = read?;
            return Ok(Value::Library(brace, controller, endpoint));
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error("a value is text in quotes, a number, a word, or a list in brackets"));
        }
        let word = input.call(Ident::parse_any)?;
        if !input.peek(token::Paren) {
            return Ok(Value::Word(word));
        }
        if word != "yes" {
            return Err(Error::new(
                word.span(),
                format!("`{word}(…)` is no answer: write `no` or `yes(\"what for\")`"),
            ));
        }
        let content;
        parenthesized!(content in input);
        let what = content.parse()?;
        if !content.is_empty() {
            return Err(content.error("`yes` takes one text: write `yes(\"what for\")`"));
        }
        Ok(Value::Yes(word, what))
    }
}
