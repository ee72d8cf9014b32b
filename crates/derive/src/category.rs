//! `#[derive(Category)]`: reads an enum into a closed list of labels.
//!
//! It never accepts data in a variant. A label comes only from the variant's name or from `rename`, and must follow the
//! rule for names.

use crate::{
    attr,
    ctxt::Ctxt,
    names::{self, is_name, snake_case},
};
use syn::{Data, DeriveInput, Error, Fields, Ident, LitStr, Path, Result, Variant, ext::IdentExt};

/// The maximum number of variants.
const MOST: usize = 64;

/// A category that was read without a mistake.
pub(crate) struct Category<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) krate: Path,
    /// Each variant with its label, in the order of the source.
    pub(crate) labels: Vec<(&'a Ident, String)>,
}

/// Returns the path to candor, which even a broken category needs, and the category.
pub(crate) fn read(input: &DeriveInput) -> (Path, Result<Category<'_>>) {
    let mut ctxt = Ctxt::default();
    let krate = attr::krate(&mut ctxt, &input.attrs, "category", "`#[category(…)]` above an enum");
    if !input.generics.params.is_empty() {
        ctxt.error(
            &input.generics.params,
            "a category is a closed list of labels, and takes no parameters: leave them out",
        );
    }
    let labels = labels(&mut ctxt, input);
    let category = ctxt.finish(labels.map(|labels| Category { ident: &input.ident, krate: krate.clone(), labels }));
    (krate, category)
}

fn labels<'a>(ctxt: &mut Ctxt, input: &'a DeriveInput) -> Option<Vec<(&'a Ident, String)>> {
    let category = &input.ident;
    let Data::Enum(data) = &input.data else {
        ctxt.error(
            category,
            format!(
                "category `{category}` is not an enum, but a category is a closed list: write `enum {category} {{ …, \
                 Other }}`"
            ),
        );
        return None;
    };
    if !data.variants.iter().any(|variant| variant.ident == "Other") {
        ctxt.error(
            category,
            format!(
                "category `{category}` needs a variant `Other`, so that a value this program does not know yet has \
                 somewhere to go: write `Other` as the last one"
            ),
        );
    } else if data.variants.len() == 1 {
        ctxt.error(
            category,
            format!(
                "category `{category}` has only the variant `Other`, which says nothing: add the values that you want \
                 to distinguish"
            ),
        );
    } else if data.variants.len() > MOST {
        ctxt.error(
            category,
            format!(
                "category `{category}` has {} variants, but a category may have at most {MOST}: join those that you \
                 need not distinguish",
                data.variants.len()
            ),
        );
    }
    let mut labels: Vec<(&Ident, String)> = Vec::with_capacity(data.variants.len());
    for variant in &data.variants {
        let Some(label) = label(ctxt, variant, category) else { continue };
        if let Some((other, _)) = labels.iter().find(|(_, known)| *known == label) {
            let ident = &variant.ident;
            ctxt.error(
                ident,
                format!(
                    "`{other}` and `{ident}` have the same label `{label}`: rename one with \
                     `#[category(rename = \"…\")]`"
                ),
            );
        }
        labels.push((&variant.ident, label));
    }
    Some(labels)
}

fn label(ctxt: &mut Ctxt, variant: &Variant, category: &Ident) -> Option<String> {
    let ident = &variant.ident;
    if !matches!(variant.fields, Fields::Unit) {
        ctxt.error(
            &variant.fields,
            format!(
                "variant `{ident}` of category `{category}` carries data, but a category is a closed list of labels: \
                 write `{ident}` alone, and tell the rest in a field with a class of its own"
            ),
        );
    }
    let mut keys = attr::keys(ctxt, &variant.attrs, "category", "rename = \"…\"")?;
    let renamed = keys.take(ctxt, "rename");
    keys.none_left(ctxt, "`#[category(…)]` above a variant", &["rename"]);
    let proposed = snake_case(&ident.unraw().to_string());
    if let Some(entry) = renamed {
        return ctxt.keep(attr::text(entry, &proposed).and_then(|text| checked(&text)));
    }
    if !is_name(&proposed) {
        ctxt.error(
            ident,
            format!(
                "variant `{ident}` would be sent as `{proposed}`, and a label is {}: write \
                 `#[category(rename = \"…\")]` above it",
                names::RULE
            ),
        );
        return None;
    }
    Some(proposed)
}

fn checked(text: &LitStr) -> Result<String> {
    let label = text.value();
    if is_name(&label) {
        return Ok(label);
    }
    Err(Error::new_spanned(text, format!("`{label}` is not a valid label: use {}", names::RULE)))
}
