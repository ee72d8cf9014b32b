//! Writes models out as code: trait implementations, one static each, and its registration.
//!
//! Every path is absolute, everything stands in `const _` so that no name leaks, and spans are chosen so that the
//! compiler's own messages point at the field's type or the event's name. It judges nothing: models come without
//! mistakes, and stand-ins only keep one mistake from being reported twice.

use crate::{
    category::Category,
    event::{Class, Event, Field, Kind},
    scope::{Answer, Scope, Terms},
};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, Lifetime, Path};

pub(crate) fn event(event: &Event<'_>) -> TokenStream {
    let Event { ident, krate, name, doc, scope, linkage, fields, .. } = event;
    let (generics, type_generics, where_clause) = event.generics.split_for_impl();
    let statics = event.generics.lifetimes().map(|_| Lifetime::new("'static", ident.span()));
    let lasting = quote!(#ident<#(#statics),*>);
    let schema_fields = fields.iter().map(|field| schema_field(krate, field));
    let outcomes = fields.iter().zip(0usize..).map(|(field, index)| outcome(krate, field, index));
    let sink = if fields.is_empty() { quote!(_) } else { quote!(sink) };
    // A rule that is broken in `const` is reported where this call stands, which is the event's name.
    let here = ident.span();
    let candor = respanned(krate.to_token_stream(), here);
    let schema = quote_spanned! {here=>
        #candor::event::Schema::declare(
            #name,
            #doc,
            <#lasting as #candor::Event>::SCOPE,
            #candor::event::Linkage::#linkage,
            <#lasting as __Fields>::FIELDS,
        )
    };
    quote! {
        const _: () = {
            // With the lifetimes of the event, so that a type that fits nowhere is reported once and as it was written.
            trait __Fields {
                const FIELDS: &'static [#krate::event::Field];
            }
            impl #generics __Fields for #ident #type_generics #where_clause {
                const FIELDS: &'static [#krate::event::Field] = &[#(#schema_fields),*];
            }

            static __SCHEMA: #krate::event::Schema = #schema;

            #[automatically_derived]
            #[allow(deprecated, reason = "a deprecated field is still told")]
            impl #generics #krate::Event for #ident #type_generics #where_clause {
                const SCOPE: #krate::Scope = #scope;
                type About = #krate::event::Installation;

                fn schema() -> &'static #krate::event::Schema {
                    &__SCHEMA
                }

                #[inline]
                fn generalize(&self, #sink: &mut #krate::event::Sink<'_>) {
                    #(#outcomes)*
                }
            }

            #krate::__private::inventory::submit! { #krate::event::Linked(|| &__SCHEMA) }
        };
    }
}

/// For an event with mistakes: an implementation that is never run, since the mistakes end the compilation.
pub(crate) fn event_stand_in(krate: &Path, ident: &Ident, generics: &Generics) -> TokenStream {
    let (generics, type_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #krate::Event for #ident #type_generics #where_clause {
            const SCOPE: #krate::Scope = ::core::unreachable!();
            type About = #krate::event::Installation;
            fn schema() -> &'static #krate::event::Schema {
                ::core::unreachable!()
            }
            fn generalize(&self, _: &mut #krate::event::Sink<'_>) {}
        }
    }
}

pub(crate) fn category(category: &Category<'_>) -> TokenStream {
    let Category { ident, krate, labels } = category;
    let variants = labels.iter().map(|(variant, _)| variant);
    let outcomes = 1u16..;
    let labels = labels.iter().map(|(_, label)| label);
    quote! {
        const _: () = {
            #[automatically_derived]
            #[allow(deprecated, reason = "a deprecated variant is still told")]
            impl #krate::event::Closed for #ident {
                const PRECISION: #krate::Precision = #krate::Precision::Labels(&[#(#labels),*]);
                const OPTIONAL: bool = false;

                #[inline]
                fn outcome(&self) -> u16 {
                    match self {
                        #(Self::#variants => #outcomes,)*
                    }
                }
            }
        };
    }
}

/// For a category with mistakes, like [`event_stand_in`].
pub(crate) fn category_stand_in(krate: &Path, ident: &Ident, generics: &Generics) -> TokenStream {
    let (generics, type_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #krate::event::Closed for #ident #type_generics #where_clause {
            const PRECISION: #krate::Precision = #krate::Precision::Flag;
            const OPTIONAL: bool = false;
            fn outcome(&self) -> u16 {
                0
            }
        }
    }
}

pub(crate) fn scope(scope: &Scope) -> TokenStream {
    let Scope { attrs, vis, constant, krate, name, purpose, terms } = scope;
    let Terms { title, benefit, revision, retention_days, uses, also_never } = terms;
    let constant_name = constant.to_string();
    let uses = uses.iter().map(|(question, answer)| {
        let answer = match answer {
            Answer::No => quote!(No),
            Answer::Yes(what) => quote!(Yes(#what)),
        };
        let question = Ident::new(question, constant.span());
        quote!(#question: #krate::__private::Answer::#answer)
    });
    let conditions = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    quote! {
        #(#attrs)*
        #vis const #constant: #krate::Scope = {
            static STATIC: #krate::__private::ScopeStatic =
                #krate::__private::ScopeStatic::new(#krate::__private::ScopeWords {
                    name: #name,
                    constant: #constant_name,
                    title: #title,
                    purpose: #purpose,
                    benefit: #benefit,
                    revision: #revision,
                    about: #krate::__private::About::Installation,
                    retention_days: #retention_days,
                    uses: #krate::__private::Uses { #(#uses),* },
                    also_never: &[#(#also_never),*],
                });
            #krate::Scope::of(&STATIC)
        };

        #(#conditions)*
        const _: () = {
            #krate::__private::inventory::submit! { #krate::__private::LinkedScope(#constant) }
        };
    }
}

/// The field's entry in the schema.
fn schema_field(krate: &Path, field: &Field<'_>) -> TokenStream {
    let Field { ty, name, doc, kind, .. } = field;
    let ty = ty.to_token_stream();
    let (class, precision, optional, content, example) = match kind {
        Kind::Closed => {
            let implementation = closed(krate, &ty);
            ("closed", quote!(#implementation::PRECISION), quote!(#implementation::OPTIONAL), false, quote!(First))
        }
        Kind::Number { class, example } => {
            let implementation = classed(krate, *class, &ty);
            (
                class.word(),
                quote!(#implementation::PRECISION),
                quote!(#implementation::OPTIONAL),
                class.content(),
                quote!(Number(#example)),
            )
        }
        // Optional whatever its type: without a key, a code is not sent.
        Kind::Hash { example, .. } => (
            Class::Hash.word(),
            quote!(#krate::event::class::Hash::PRECISION),
            quote!(true),
            false,
            quote!(Text(#example)),
        ),
    };
    quote! {
        #krate::event::Field {
            name: #name,
            doc: #doc,
            class: #class,
            precision: #precision,
            optional: #optional,
            content: #content,
            example: #krate::event::Example::#example,
        }
    }
}

/// The statement that writes the field's outcome into the sink.
fn outcome(krate: &Path, field: &Field<'_>, index: usize) -> TokenStream {
    let Field { ident, ty, kind, .. } = field;
    let ty = ty.to_token_stream();
    match kind {
        Kind::Closed => {
            let implementation = closed(krate, &ty);
            quote!(sink.outcome(#index, #implementation::outcome(&self.#ident));)
        }
        Kind::Number { class, .. } => {
            let implementation = classed(krate, *class, &ty);
            quote!(sink.outcome(#index, #implementation::outcome(&self.#ident));)
        }
        Kind::Hash { domain, .. } => {
            let implementation = identifier(krate, &ty);
            quote!(sink.identifier(#index, #domain, &#implementation::identifier_bytes(&self.#ident));)
        }
    }
}

/// `<Type as Closed>`, covering the type.
fn closed(krate: &Path, ty: &TokenStream) -> TokenStream {
    let (_, end) = ends(ty);
    quote_spanned!(end=> <#ty as #krate::event::Closed>)
}

/// `<Type as Identifier>`, covering the type.
fn identifier(krate: &Path, ty: &TokenStream) -> TokenStream {
    let (_, end) = ends(ty);
    quote_spanned!(end=> <#ty as #krate::event::Identifier>)
}

/// `<Class as Class<Type>>`. The compiler points at the class, so its ends stand where the type's ends stand.
fn classed(krate: &Path, class: Class, ty: &TokenStream) -> TokenStream {
    let (start, end) = ends(ty);
    let candor = respanned(krate.to_token_stream(), start);
    let class = Ident::new(class.type_name(), end);
    quote_spanned!(end=> <#candor::event::class::#class as #krate::event::Class<#ty>>)
}

/// The places of the first and the last token.
fn ends(tokens: &TokenStream) -> (Span, Span) {
    let mut spans = tokens.clone().into_iter().map(|token| token.span());
    let start = spans.next().unwrap_or_else(Span::call_site);
    (start, spans.last().unwrap_or(start))
}

/// The same tokens, all at one place.
fn respanned(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), respanned(group.stream(), span));
                inside.set_span(span);
                inside.into()
            }
            mut token => {
                token.set_span(span);
                token
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{category, event, scope};
    use quote::quote;

    #[test]
    fn a_renamed_crate_is_named_by_nothing_else() {
        let expanded = [
            event::derive(quote! {
                /// A stream ended.
                #[event(crate = elsewhere, name = "a", scope = S, linkage = month)]
                struct A<'a> {
                    /// Which server.
                    #[field(hash, example = "nas")]
                    server: &'a str,
                    /// How often.
                    #[field(count, example = 3)]
                    often: u32,
                    /// Whether.
                    yes: bool,
                }
            }),
            event::derive(quote!(
                #[event(crate = elsewhere)]
                enum Broken {}
            )),
            category::derive(quote!(
                #[category(crate = elsewhere)]
                enum B {
                    One,
                    Other,
                }
            )),
            category::derive(quote!(
                #[category(crate = elsewhere)]
                struct Broken;
            )),
            scope::declare(quote! {
                /// Find out which formats stutter.
                #[scope(crate = elsewhere)]
                #[cfg(all())]
                S = "s" {
                    title: "t", revision: 1, about: installation, retention: 1 day, benefit: "b", other_uses: none,
                }
            }),
        ];
        for tokens in expanded {
            let text = tokens.to_string();
            assert!(text.contains("elsewhere ::"), "{text}");
            assert!(!text.contains(":: candor"), "{text}");
        }
    }

    #[test]
    fn a_condition_on_a_scope_holds_for_its_registration() {
        let text = scope::declare(quote! {
            /// Find out which formats stutter.
            #[cfg(unix)]
            S = "s" {
                title: "t", revision: 1, about: installation, retention: 1 day, benefit: "b", other_uses: none,
            }
        })
        .to_string();
        assert_eq!(text.matches("# [cfg (unix)]").count(), 2, "{text}");
    }

    #[test]
    fn what_is_no_rust_is_refused_in_words() {
        for text in [event::derive(quote!(fn)), category::derive(quote!(1)), scope::declare(quote!(pub))] {
            assert!(text.to_string().contains("compile_error"));
        }
    }
}
