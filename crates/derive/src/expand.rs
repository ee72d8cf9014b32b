//! Writes models out as code: trait implementations, a static each, and its registration.
//!
//! Every path is absolute. Everything is inside `const _`, so that no name leaks. Spans are chosen so that the
//! compiler's own messages point at the field's type or the event's name. This module never checks anything: models
//! contain no mistakes, and stand-ins only prevent a mistake from being reported twice.

use crate::{
    category::Category,
    event::{Class, Event, Example, Field, Kind, Shape, Told, Value},
    scope::{Scope, Terms, UseAnswer},
    snapshot::{MapKeys, Question, Snapshot},
};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, Lifetime, Path};

pub(crate) fn event(event: &Event<'_>) -> TokenStream {
    let Event { ident, krate, name, doc, scope, linkage, period, until, fields, .. } = event;
    let (generics, type_generics, where_clause) = event.generics.split_for_impl();
    let statics = event.generics.lifetimes().map(|_| Lifetime::new("'static", ident.span()));
    let lasting = quote!(#ident<#(#statics),*>);
    // The sampled entity is not a field that is sent. It only decides whether the event is counted.
    let (items, fields): (Vec<_>, Vec<_>) = fields.iter().partition(|field| matches!(field.kind, Kind::Item { .. }));
    let item = match items.first() {
        Some(item) => schema_item(krate, item),
        None => quote!(::core::option::Option::None),
    };
    let chosen = items.iter().map(|item| chosen(krate, item));
    let schema_fields = fields.iter().map(|field| schema_field(krate, field, field.ty));
    let outcomes = fields.iter().zip(0usize..).map(|(field, index)| outcome(krate, field, index));
    let sink = if fields.is_empty() && items.is_empty() { quote!(_) } else { quote!(sink) };
    // If a rule is broken in `const`, the compiler reports it at this call, which has the span of the event's name.
    let here = ident.span();
    let candor = respanned(krate.to_token_stream(), here);
    let until = until
        .map(|(year, month, day)| quote_spanned!(here=> .ending(#candor::__private::day_number(#year, #month, #day))));
    let period = period.as_ref().map(|period| match period {
        Told::Every(period, reason) => {
            let reason = option(reason.as_ref());
            quote_spanned!(here=> .every(#candor::event::Period::#period, #reason))
        }
        Told::Once(period, values) => {
            let values = option(values.as_ref().map(|values| quote!(#candor::event::Values::#values)));
            quote_spanned!(here=> .once(#candor::event::Period::#period, #values))
        }
    });
    let schema = quote_spanned! {here=>
        #candor::event::Schema::declare(
            #name,
            #doc,
            <#lasting as #candor::Event>::SCOPE,
            #candor::event::Linkage::#linkage,
            <#lasting as __Fields>::FIELDS,
            #item,
        )
        .in_package(::core::option_env!("CARGO_PKG_NAME"))
        #period
        #until
    };
    quote! {
        const _: () = {
            // With the lifetimes of the event, so that a type that no class accepts is reported once, and in source
            // form.
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
                    #(#chosen)*
                    #(#outcomes)*
                }
            }

            #krate::__private::inventory::submit! { #krate::event::Linked(&__SCHEMA) }
        };
    }
}

pub(crate) fn snapshot(snapshot: &Snapshot<'_>) -> TokenStream {
    let Snapshot { ident, krate, name, doc, scope, every, questions, .. } = snapshot;
    let (generics, type_generics, where_clause) = snapshot.generics.split_for_impl();
    let here = ident.span();
    let candor = respanned(krate.to_token_stream(), here);
    let mut statics = Vec::new();
    let mut answers = Vec::new();
    for question in questions {
        let Question { field, statistics, keys } = question;
        let keyed = keys.is_some();
        let ty = field.ty;
        // The class is of the values of a map.
        let of_value: syn::Type = syn::parse_quote_spanned!(here=> <#ty as #krate::event::Map>::Value);
        let schema_field = schema_field(krate, field, if keyed { &of_value } else { ty });
        // A map's record has its key first.
        let key = keys.as_ref().map(|keys| {
            let ty = &field.ty;
            let labels = match keys {
                MapKeys::Closed => quote!(<<#ty as #krate::event::Map>::Key as #krate::event::Closed>::PRECISION),
                MapKeys::Words(words) => quote!(#krate::Precision::Labels(&[#(#words,)* "other"])),
            };
            let (name, doc) = (format!("{}_key", field.name), &field.doc);
            quote! {
                #krate::event::Field {
                    name: #name, doc: #doc, class: "closed", precision: #labels, optional: false, group: "", domain: "",
                    reason: ::core::option::Option::None, example: #krate::event::Example::First,
                },
            }
        });
        for statistic in statistics {
            let word = statistic.to_string().to_lowercase();
            let event = if statistics.len() == 1 {
                format!("{name}.{}", field.name)
            } else {
                format!("{name}.{}.{word}", field.name)
            };
            let (constant, doc_of_field) = (quote::format_ident!("__SCHEMA_{}", statics.len()), &field.doc);
            // `const` makes the fields last: the compiler does not keep a list of releases, which is checked by a call, otherwise.
            statics.push(quote_spanned! {here=>
                static #constant: #candor::event::Schema = #candor::event::Schema::declare(
                    #event,
                    #doc_of_field,
                    #scope,
                    #candor::event::Linkage::Once,
                    const { &[#key #schema_field] },
                    ::core::option::Option::None,
                )
                .in_package(::core::option_env!("CARGO_PKG_NAME"))
                .of_snapshot(#name, #doc, #candor::event::Period::#every, #candor::event::Statistic::#statistic, #keyed);
                #candor::__private::inventory::submit! { #candor::event::Linked(&#constant) }
            });
            let (at, ty) = (&field.ident, field.ty.to_token_stream());
            answers.push(match (keys, &field.kind) {
                (Some(MapKeys::Closed), _) => quote! {
                    answers.map(&#constant, #krate::event::Map::pairs(&self.#at).map(|(key, value)| {
                        (#krate::event::Closed::outcome(key), value)
                    }));
                },
                (Some(MapKeys::Words(words)), _) => quote! {
                    answers.map(&#constant, #krate::event::Map::pairs(&self.#at).map(|(key, value)| {
                        (#krate::event::word(&[#(#words,)* "other"], ::core::convert::AsRef::<str>::as_ref(key)), value)
                    }));
                },
                (None, Kind::Classed { class, .. })
                    if (statistic == "Last" && *class == Class::Count)
                        || (statistic == "Mean" && class.is_rounded()) =>
                {
                    let implementation = classed(krate, *class, &ty);
                    quote! {
                        const _: bool = #implementation::OPTIONAL;
                        answers.number(&#constant, |unit| #krate::event::Raw::raw(&self.#at, unit));
                    }
                }
                _ => {
                    let write = outcome(krate, field, 0);
                    quote!(answers.field(&#constant, |sink| { #write });)
                }
            });
        }
    }
    quote! {
        const _: () = {
            #(#statics)*

            #[automatically_derived]
            #[allow(deprecated, reason = "a deprecated field is still told")]
            impl #generics #krate::event::Snapshot for #ident #type_generics #where_clause {
                const SCOPE: #krate::Scope = #scope;
                type About = #krate::event::Installation;

                fn answer(&self, answers: &mut #krate::event::Answers<'_>) {
                    #(#answers)*
                }
            }
        };
    }
}

/// For a snapshot with mistakes, like [`event_stand_in`].
pub(crate) fn snapshot_stand_in(krate: &Path, ident: &Ident, generics: &Generics) -> TokenStream {
    let (generics, type_generics, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #krate::event::Snapshot for #ident #type_generics #where_clause {
            const SCOPE: #krate::Scope = ::core::unreachable!();
            type About = #krate::event::Installation;
            fn answer(&self, _: &mut #krate::event::Answers<'_>) {}
        }
    }
}

/// For an event with mistakes: an implementation that never runs, because the mistakes end the compilation.
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
    let Terms { title, benefit, revision, retention_days, uses, also_never, library, budget } = terms;
    let budget = budget.as_ref().map(|(outcomes, reason)| quote!(.with_budget(#outcomes, #reason)));
    let library = library.as_ref().map(|(controller, endpoint)| {
        quote!(.of_library(#krate::__private::Library { controller: #controller, endpoint: #endpoint }))
    });
    let constant_name = constant.to_string();
    let uses = uses.iter().map(|(question, answer)| {
        let answer = match answer {
            UseAnswer::No => quote!(No),
            UseAnswer::Yes(what) => quote!(Yes(#what)),
        };
        let question = Ident::new(question, constant.span());
        quote!(#question: #krate::__private::UseAnswer::#answer)
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
                })
                .in_package(::core::option_env!("CARGO_PKG_NAME"))
                #budget
                #library;
            #krate::Scope::of(&STATIC)
        };

        #(#conditions)*
        const _: () = {
            #krate::__private::inventory::submit! { #krate::__private::LinkedScope(#constant) }
        };
    }
}

/// An `Option` as an expression.
fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// The field's entry in the schema.
fn schema_field(krate: &Path, field: &Field<'_>, ty: &syn::Type) -> TokenStream {
    let Field { name, doc, kind, .. } = field;
    let ty = ty.to_token_stream();
    let none = quote!(::core::option::Option::None);
    let (class, precision, optional, group, domain, reason, example) = match kind {
        Kind::Closed => {
            let implementation = closed(krate, &ty);
            let (precision, optional) = (quote!(#implementation::PRECISION), quote!(#implementation::OPTIONAL));
            ("closed", precision, optional, "", "", none, quote!(First))
        }
        Kind::Classed { class, shape, group, reason, example } => {
            let implementation = classed(krate, *class, &ty);
            let precision = precision(krate, *class, shape);
            let reason = reason.as_ref().map_or(none, |reason| quote!(::core::option::Option::Some(#reason)));
            let example = self::example(krate, *class, &precision, example);
            (class.word(), precision, quote!(#implementation::OPTIONAL), group.as_str(), "", reason, example)
        }
        Kind::Presence => {
            let precision = quote!(#krate::Precision::Flag);
            (Class::Presence.word(), precision, quote!(false), "", "", none, quote!(First))
        }
        Kind::Tenure => {
            let precision = quote!(<#krate::event::class::Tenure as #krate::event::Fixed>::PRECISION);
            (Class::Tenure.word(), precision, quote!(false), "", "", none, quote!(Number(5)))
        }
        // Always optional: without a key, no code is sent.
        Kind::Hash { domain, example } => {
            let precision = quote!(<#krate::event::class::Hash as #krate::event::Fixed>::PRECISION);
            (Class::Hash.word(), precision, quote!(true), "", domain.as_str(), none, quote!(Text(#example)))
        }
        Kind::Cohort { domain, bits, example } => {
            let precision = quote!(#krate::Precision::Cohort { bits: #bits });
            (Class::Cohort.word(), precision, quote!(true), "", domain.as_str(), none, quote!(Words(#example, || 1)))
        }
        Kind::Item { .. } => return TokenStream::new(),
    };
    quote! {
        #krate::event::Field {
            name: #name,
            doc: #doc,
            class: #class,
            precision: #precision,
            optional: #optional,
            group: #group,
            domain: #domain,
            reason: #reason,
            example: #krate::event::Example::#example,
        }
    }
}

/// The schema's entry for the field that identifies the sampled entity.
fn schema_item(krate: &Path, field: &Field<'_>) -> TokenStream {
    let Field { name, doc, kind: Kind::Item { domain, one_in, reason }, .. } = field else { return TokenStream::new() };
    let reason = match reason {
        Some(reason) => quote!(::core::option::Option::Some(#reason)),
        None => quote!(::core::option::Option::None),
    };
    quote! {
        ::core::option::Option::Some(#krate::event::Item {
            name: #name,
            doc: #doc,
            domain: #domain,
            one_in: #one_in,
            reason: #reason,
        })
    }
}

/// The statement that returns if the entity is not sampled.
fn chosen(krate: &Path, field: &Field<'_>) -> TokenStream {
    let Field { ident, ty, kind: Kind::Item { .. }, .. } = field else { return TokenStream::new() };
    let implementation = identifier(krate, &ty.to_token_stream());
    quote! {
        if !sink.item(&#implementation::identifier_bytes(&self.#ident)) {
            return;
        }
    }
}

/// The partition, as an expression that is valid in a constant.
fn precision(krate: &Path, class: Class, shape: &Shape) -> TokenStream {
    let tables = quote!(#krate::__private);
    let cuts = |unit: &str, cuts: TokenStream| {
        let unit = Ident::new(unit, Span::call_site());
        quote!(#krate::Precision::Cuts { unit: #krate::Unit::#unit, cuts: #cuts })
    };
    // A constant table, so that it is made once and is `'static`.
    let table = |len: TokenStream, make: TokenStream| {
        quote!({
            const __RUNGS: usize = #len;
            const __CUTS: &[i64] = &#tables::#make;
            __CUTS
        })
    };
    match shape {
        Shape::Fixed => {
            let class = Ident::new(class.type_name(), Span::call_site());
            quote!(<#krate::event::class::#class as #krate::event::Fixed>::PRECISION)
        }
        Shape::Steps { unit, from, step, rungs } => {
            cuts(unit, table(quote!(#rungs), quote!(steps::<__RUNGS>(#from, #step))))
        }
        Shape::Ladder { unit, rungs } => cuts(unit, quote!(&[#(#rungs),*])),
        Shape::Digits { unit, digits, top } => {
            let len = quote!(#tables::digits_len(#digits, #top));
            cuts(unit, table(len, quote!(digits::<__RUNGS>(#digits, #top))))
        }
        Shape::LogBuckets { unit, percent, from, top } => {
            let len = quote!(#tables::log_buckets_len(#percent, #from, #top));
            cuts(unit, table(len, quote!(log_buckets::<__RUNGS>(#percent, #from, #top))))
        }
        Shape::Dates { unit, from: (year, month, day), rungs } => {
            let unit = Ident::new(unit, Span::call_site());
            let make = quote!(dates::<__RUNGS>(#tables::DateUnit::#unit, #year, #month, #day));
            cuts("Date", table(quote!(#rungs), make))
        }
        Shape::Versions(rungs) => {
            let len = rungs.len();
            let parts = rungs.iter().map(|(major, minor)| quote!((#major, #minor)));
            cuts("Version", table(quote!(#len), quote!(versions::<__RUNGS>([#(#parts),*]))))
        }
        Shape::Releases(list) => quote!(#krate::Precision::Releases(&#list)),
        Shape::Labels(labels) => quote!(#krate::Precision::Labels(&[#(#labels),*])),
        Shape::Cohort { bits } => quote!(#krate::Precision::Cohort { bits: #bits }),
    }
}

/// The example, as the part of the expression after `Example::`.
fn example(krate: &Path, class: Class, precision: &TokenStream, example: &Example) -> TokenStream {
    let (raw, ty, value) = match example {
        Example::Number(number) => return quote!(Number(#number)),
        Example::Date(year, month, day) => return quote!(Number(#krate::__private::day_number(#year, #month, #day))),
        Example::Text(text) => return quote!(Text(#text)),
        Example::Words(raw, Value::Text(text)) => (raw, quote!(str), quote!(#text)),
        Example::Words(raw, Value::Number(number)) => (raw, quote!(i64), quote!(&#number)),
        Example::Words(raw, Value::Float(float)) => {
            let float = proc_macro2::Literal::f64_unsuffixed(float.parse().unwrap_or_default());
            (raw, quote!(f64), quote!(&#float))
        }
        Example::Words(raw, Value::Address(address)) => match address {
            std::net::IpAddr::V4(address) => {
                let bits = address.to_bits();
                (raw, quote!(::core::net::Ipv4Addr), quote!(&::core::net::Ipv4Addr::from_bits(#bits)))
            }
            std::net::IpAddr::V6(address) => {
                let bits = address.to_bits();
                (raw, quote!(::core::net::Ipv6Addr), quote!(&::core::net::Ipv6Addr::from_bits(#bits)))
            }
        },
    };
    let class = Ident::new(class.type_name(), Span::call_site());
    quote!(Words(#raw, || <#krate::event::class::#class as #krate::event::Class<#ty>>::outcome(&#precision, #value)))
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
        Kind::Classed { class, shape, .. } => {
            let implementation = classed(krate, *class, &ty);
            let precision = precision(krate, *class, shape);
            quote!(sink.outcome(#index, #implementation::outcome(const { &#precision }, &self.#ident));)
        }
        Kind::Presence => quote!(sink.outcome(#index, #krate::event::class::Presence::of(&self.#ident));),
        Kind::Tenure => {
            let implementation = classed(krate, Class::Tenure, &ty);
            let precision = quote!(<#krate::event::class::Tenure as #krate::event::Fixed>::PRECISION);
            quote!(sink.outcome(#index, #implementation::outcome(const { &#precision }, &self.#ident));)
        }
        Kind::Hash { .. } => {
            let implementation = identifier(krate, &ty);
            quote!(sink.identifier(#index, &#implementation::identifier_bytes(&self.#ident));)
        }
        Kind::Cohort { .. } => {
            let implementation = identifier(krate, &ty);
            quote!(sink.cohort(#index, &#implementation::identifier_bytes(&self.#ident));)
        }
        Kind::Item { .. } => TokenStream::new(),
    }
}

/// `<Type as Closed>`, with the span of the type.
fn closed(krate: &Path, ty: &TokenStream) -> TokenStream {
    let (_, end) = ends(ty);
    quote_spanned!(end=> <#ty as #krate::event::Closed>)
}

/// `<Type as Identifier>`, with the span of the type.
fn identifier(krate: &Path, ty: &TokenStream) -> TokenStream {
    let (_, end) = ends(ty);
    quote_spanned!(end=> <#ty as #krate::event::Identifier>)
}

/// `<Class as Class<Type>>`. The compiler reports errors at the class, so its tokens have the spans of the type's ends.
fn classed(krate: &Path, class: Class, ty: &TokenStream) -> TokenStream {
    let (start, end) = ends(ty);
    let candor = respanned(krate.to_token_stream(), start);
    let class = Ident::new(class.type_name(), end);
    quote_spanned!(end=> <#candor::event::class::#class as #krate::event::Class<#ty>>)
}

/// The spans of the first and the last token.
fn ends(tokens: &TokenStream) -> (Span, Span) {
    let mut spans = tokens.clone().into_iter().map(|token| token.span());
    let start = spans.next().unwrap_or_else(Span::call_site);
    (start, spans.last().unwrap_or(start))
}

/// The same tokens, all with the span `span`.
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
