//! `counter!`, `timing!` and `attempts!`: each declares an event in one line, and a constant that records it.
//!
//! They expand to a struct that derives `Event`, so the same rules hold, and the compiler reports them at the same places.
//! This module never reads a class or an example itself.

use crate::{attr, ctxt::Ctxt};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Attribute, Error, Field, Ident, LitStr, Path, Result, Token, Visibility, braced,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
    token,
};

/// Which of the three macros was called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Timing,
    Attempts,
}

impl Kind {
    /// The word for it, which is the name of its own attribute as well.
    fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Timing => "timing",
            Kind::Attempts => "attempts",
        }
    }

    /// A whole declaration, as messages show it.
    fn such_as(self) -> &'static str {
        match self {
            Kind::Counter => "pub PRINTED = \"page.printed\" in USAGE;",
            Kind::Timing => "pub EXPORT = \"export.made\" in USAGE;",
            Kind::Attempts => "pub BACKUP = \"backup.tried\" in USAGE;",
        }
    }

    /// The name of the field that the macro itself adds.
    fn own_field(self) -> Option<&'static str> {
        match self {
            Kind::Counter => None,
            Kind::Timing => Some("took"),
            Kind::Attempts => Some("succeeded"),
        }
    }
}

/// One declaration in source form: `/// … pub PRINTED = "page.printed" in USAGE { /// … paper: Paper }`.
struct Written {
    attrs: Vec<Attribute>,
    vis: Visibility,
    constant: Ident,
    name: LitStr,
    scope: Path,
    fields: Vec<Field>,
}

/// Reads and expands all declarations of one call. Mistakes that leave a declaration readable are reported together, and the
/// declaration is expanded all the same, so that no use of its constant is reported as well.
pub(crate) fn expand(kind: Kind, input: TokenStream) -> TokenStream {
    let read = |input: ParseStream<'_>| {
        let mut declared = Vec::new();
        while !input.is_empty() {
            declared.push(Written::read(kind, input)?);
        }
        match declared.is_empty() {
            true => Err(Error::new(
                Span::call_site(),
                format!(
                    "nothing is declared here: write `/// what happened`, and below it `{such_as}`",
                    such_as = kind.such_as()
                ),
            )),
            false => Ok(declared),
        }
    };
    match syn::parse::Parser::parse2(read, input) {
        Ok(declared) => declared.into_iter().map(|written| expand_one(kind, written)).collect(),
        Err(error) => error.into_compile_error(),
    }
}

impl Written {
    fn read(kind: Kind, input: ParseStream<'_>) -> Result<Self> {
        let such_as = kind.such_as();
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if input.peek(Token![const]) || input.peek(Token![static]) {
            return Err(input.error(format!("it is declared without `const` or `static`: write `{such_as}`")));
        }
        let constant: Ident = input.parse()?;
        if input.peek(Token![:]) {
            return Err(input.error(format!(
                "`{constant}` has no type: what it tells beside that is a field in braces, after the scope: write `{in_braces}`",
                in_braces = such_as.replace(';', " { /** On which paper. */ paper: Paper }")
            )));
        }
        expected::<Token![=]>(input, || format!("`{constant}` has no name: write `{such_as}`"))?;
        let name = expected::<LitStr>(input, || format!("the name of an event is text in quotes: write `{such_as}`"))?;
        expected::<Token![in]>(input, || {
            format!(
                "`{constant}` has no scope, so nobody could agree to it: write `{such_as}`, with the constant that \
                     `candor::scope!` makes"
            )
        })?;
        let scope = expected::<Path>(input, || {
            format!("a scope is the constant that `candor::scope!` makes: write `{such_as}`")
        })?;
        let mut fields = Vec::new();
        if input.peek(token::Brace) {
            let content;
            braced!(content in input);
            fields = Punctuated::<Field, Token![,]>::parse_terminated_with(&content, Field::parse_named)?
                .into_iter()
                .collect();
            input.parse::<Option<Token![;]>>()?;
        } else {
            expected::<Token![;]>(input, || format!("write `;` after the scope, or a field in braces: `{such_as}`"))?;
        }
        Ok(Written { attrs, vis, constant, name, scope, fields })
    }
}

/// Parses one token, with a message that says what to write instead.
fn expected<T: Parse>(input: ParseStream<'_>, message: impl FnOnce() -> String) -> Result<T> {
    input.parse().map_err(|error| Error::new(error.span(), message()))
}

fn expand_one(kind: Kind, written: Written) -> TokenStream {
    let mut ctxt = Ctxt::default();
    let word = kind.word();
    let Written { mut attrs, vis, constant, name, scope, fields } = written;
    let krate = attr::krate(&mut ctxt, &attrs, word, &format!("`#[{word}(…)]`"));
    attrs.retain(|attr| !attr.path().is_ident(word));
    // Without a text, the event would be reported once more, under a name that nobody wrote.
    let text = match attr::doc(&mut ctxt, &attrs, &constant, word) {
        Some(_) => attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect(),
        None => vec![syn::parse_quote!(#[doc = "?"])],
    };
    let conditions: Vec<_> = attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect();
    if let Some(second) = fields.get(1) {
        ctxt.error(
            &second.ident,
            format!("`{word}!` takes one field at most: to tell more, write a struct that derives `candor::Event`"),
        );
    }
    let own =
        |field: &Field| kind.own_field().is_some_and(|own| field.ident.as_ref().is_some_and(|it| it.unraw() == own));
    let mut field = fields.into_iter().next();
    if let Some(again) = field.take_if(|field| own(field)) {
        let name = again.ident;
        ctxt.error(
            &name,
            format!(
                "`{word}!` adds a field `{}` itself: give this one another name",
                kind.own_field().unwrap_or_default()
            ),
        );
    }
    let messages = ctxt.finish(Some(())).err().map(Error::into_compile_error);

    // The span is the constant's, so that the compiler reports a broken rule there.
    let event = format_ident!("__{}", constant.unraw(), span = constant.span());
    let Parts { own, with, pattern, values, constant_type } = parts(kind, field.as_ref());
    let here = constant.span();
    let constant_type = quote_spanned!(here=> #krate::shorthand::#constant_type);
    let tells = field.iter().map(|field| &field.ty);
    quote! {
        #messages

        #(#conditions)*
        #(#text)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "named after the constant")]
        #[derive(#krate::Event)]
        #[event(crate = #krate, name = #name, scope = #scope, linkage = rollup)]
        #vis struct #event {
            #own
        }

        #(#conditions)*
        #[automatically_derived]
        impl #krate::shorthand::Shorthand for #event {
            type With = #with;

            #[inline]
            fn of(#pattern: #with) -> Self {
                #event { #values }
            }
        }

        #(#attrs)*
        #vis const #constant: #constant_type<#event #(, #tells)*> = #constant_type::new();
    }
}

/// What differs between the three macros.
struct Parts {
    /// The fields of the event.
    own: TokenStream,
    /// What an event is made from, and the pattern that takes it apart.
    with: TokenStream,
    pattern: TokenStream,
    /// The fields' values.
    values: TokenStream,
    constant_type: TokenStream,
}

fn parts(kind: Kind, field: Option<&Field>) -> Parts {
    let ident = field.and_then(|field| field.ident.as_ref());
    let ty = field.map(|field| &field.ty);
    let took = quote! {
        /// How long it took.
        #[field(latency, example = 120)]
        took: ::core::time::Duration,
    };
    let succeeded = quote! {
        /// Whether it succeeded.
        succeeded: bool,
    };
    match (kind, field) {
        (Kind::Counter, None) => Parts {
            own: quote!(),
            with: quote!(()),
            pattern: quote!(()),
            values: quote!(),
            constant_type: quote!(Counter),
        },
        (Kind::Counter, Some(field)) => Parts {
            own: quote!(#field),
            with: quote!(#ty),
            pattern: quote!(#ident),
            values: quote!(#ident),
            constant_type: quote!(CounterBy),
        },
        (Kind::Timing, None) => Parts {
            own: took,
            with: quote!((::core::time::Duration, ())),
            pattern: quote!((took, ())),
            values: quote!(took),
            constant_type: quote!(Timing),
        },
        (Kind::Timing, Some(field)) => Parts {
            own: quote!(#took #field),
            with: quote!((::core::time::Duration, #ty)),
            pattern: quote!((took, #ident)),
            values: quote!(took, #ident),
            constant_type: quote!(TimingBy),
        },
        (Kind::Attempts, None) => Parts {
            own: succeeded,
            with: quote!(bool),
            pattern: quote!(succeeded),
            values: quote!(succeeded),
            constant_type: quote!(Attempts),
        },
        (Kind::Attempts, Some(field)) => {
            let (attrs, vis) = (&field.attrs, &field.vis);
            // A type that no class accepts is reported where it is written.
            let optional = quote_spanned!(field.ty.span()=> ::core::option::Option<#ty>);
            Parts {
                own: quote!(#succeeded #(#attrs)* #vis #ident: #optional,),
                with: quote!(::core::option::Option<#ty>),
                pattern: quote!(#ident),
                values: quote!(succeeded: #ident.is_none(), #ident),
                constant_type: quote!(AttemptsBy),
            }
        }
    }
}
