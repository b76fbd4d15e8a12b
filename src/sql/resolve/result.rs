//! What calls give: the functions that the types of their arguments leave, and what a polymorphic result comes to (`func_get_detail` and
//! `enforce_generic_type_consistency` in the server's parser, `internal_get_result_type` in funcapi.c). What is not certain is not said.

use super::Resolver;
use super::row::RECORD;
use crate::catalog::{FIRST_NORMAL_OID, Function, Oid};

/// What a call gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    /// A value of this type.
    Type(Oid),
    /// A record with these fields, as its OUT parameters say.
    Fields(Vec<(Box<str>, Option<Oid>)>),
    /// A record that only column definitions beside the call describe.
    Record,
    /// It hangs on types that are not known.
    Unknown,
}

/// What a polymorphic type stands for, once its family's element is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Element,
    Array,
    Enum,
    Range,
    Multirange,
}

/// A polymorphic type (`pg_type.dat`): its form, and whether it is of the family that is content with a common type.
fn polymorphic(oid: Oid) -> Option<(Form, bool)> {
    Some(match oid.0 {
        2283 | 2776 => (Form::Element, false),
        2277 => (Form::Array, false),
        3500 => (Form::Enum, false),
        3831 => (Form::Range, false),
        4537 => (Form::Multirange, false),
        5077 | 5079 => (Form::Element, true),
        5078 => (Form::Array, true),
        5080 => (Form::Range, true),
        4538 => (Form::Multirange, true),
        _ => return None,
    })
}

/// Whether an argument of a type takes any row: `record`, "any", and what stands for an element.
pub(super) fn takes_rows(oid: Oid) -> bool {
    matches!(oid, RECORD | Oid(2276)) || matches!(polymorphic(oid), Some((Form::Element, _)))
}

impl Resolver<'_> {
    /// What each function gives that a call with arguments of these types can mean, each once. Types count where arguments go by their places.
    pub(super) fn gives(&self, chosen: &[&Function], types: &[Option<Oid>]) -> Vec<Gives> {
        let mut all: Vec<Gives> = Vec::new();
        for function in chosen {
            let gives = self.gives_of(function, types);
            if !all.contains(&gives) {
                all.push(gives);
            }
        }
        all
    }

    fn gives_of(&self, function: &Function, types: &[Option<Oid>]) -> Gives {
        let resolved = |ty: Oid| if polymorphic(ty).is_some() { self.resolved(function, ty, types) } else { Some(ty) };
        if function.returns == RECORD && function.out_columns.len() > 1 {
            return Gives::Fields(function.out_columns.iter().map(|(name, ty)| (name.clone(), resolved(*ty))).collect());
        }
        match resolved(function.returns) {
            Some(RECORD) => Gives::Record,
            Some(ty) => Gives::Type(ty),
            None => Gives::Unknown,
        }
    }

    /// The functions that a call with arguments of these types can mean: the one that takes just these, or those that can take them at all.
    pub(super) fn chosen<'f>(&self, candidates: &[&'f Function], types: &[Option<Oid>]) -> Vec<&'f Function> {
        let is_domain = |ty: Oid| self.cx.catalog.type_info(ty).is_none_or(|t| t.base.is_some());
        let known: Option<Vec<Oid>> = types.iter().copied().collect();
        if let Some(known) = known.filter(|k| !k.iter().any(|ty| is_domain(*ty))) {
            let exact: Vec<&Function> = candidates.iter().copied().filter(|f| f.arg_types == known).collect();
            if exact.len() == 1 {
                return exact;
            }
        }
        let possible = |f: &&Function| f.arg_types.iter().zip(types).all(|(param, ty)| ty.is_none_or(|ty| self.may_take(*param, ty)));
        let left: Vec<&Function> = candidates.iter().copied().filter(possible).collect();
        if left.is_empty() { candidates.to_vec() } else { left }
    }

    /// Whether a value of a type could be an argument of another. What is not certain may.
    fn may_take(&self, param: Oid, ty: Oid) -> bool {
        let Some(base) = self.cx.catalog.base_type(ty) else { return true };
        let pseudo = base.kind == 'p' && ty != RECORD && base.element == Oid(0);
        match polymorphic(param) {
            Some((Form::Element, _)) => true,
            Some((Form::Array, _)) => pseudo || self.element_of(ty).is_some(),
            Some((Form::Enum, _)) => pseudo || base.kind == 'e',
            Some((Form::Range, _)) => pseudo || base.kind == 'r',
            Some((Form::Multirange, _)) => pseudo || base.kind == 'm',
            None => {
                let scalar = |oid: Oid| self.cx.catalog.type_info(oid).is_some_and(|t| t.kind == 'b') && self.element_of(oid).is_none();
                let cast = || self.cx.catalog.contents().casts.iter().any(|(from, to, _)| *from == base.oid && *to == param);
                self.element_of(ty).is_none() || param >= FIRST_NORMAL_OID || !scalar(param) || cast()
            }
        }
    }

    /// What a polymorphic type of a function's result stands for in a call.
    fn resolved(&self, function: &Function, want: Oid, types: &[Option<Oid>]) -> Option<Oid> {
        let (form, common) = polymorphic(want)?;
        let fixed = function.arg_types.len().saturating_sub(usize::from(function.variadic));
        let mut element = None;
        for (param, ty) in function.arg_types.iter().take(fixed).zip(types) {
            let Some((of, _)) = polymorphic(*param).filter(|(_, c)| *c == common) else { continue };
            let found = match (of, *ty) {
                (Form::Element | Form::Enum, Some(ty)) => Some(ty),
                (Form::Array, Some(ty)) => self.element_of(ty),
                (Form::Range | Form::Multirange, Some(ty)) if of == form => return self.cx.catalog.base_type(ty).map(|t| t.oid),
                (Form::Range | Form::Multirange, Some(_)) | (_, None) => None,
            };
            // those of the one family are alike, of the other they need not be
            if common && (found.is_none() || function.variadic || element.is_some_and(|e| Some(e) != found)) {
                return None;
            }
            element = element.or(found);
        }
        match form {
            Form::Element | Form::Enum => element,
            Form::Array => self.cx.catalog.type_info(element?).map(|t| t.array).filter(|oid| *oid != Oid(0)),
            Form::Range | Form::Multirange => None,
        }
    }
}
