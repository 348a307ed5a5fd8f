//! What can only be a mistake on the type that an expression is for: the types that each part can have are followed
//! through the expression, and where they are known, what they do not allow is refused.

use super::eval::{system_of, system_type};
use super::expr::{Binary, Expr, Function, Op, Step, System, TypeTest, TypeUse, Variable};
use super::fault::{Eval, Fault, FaultKind};
use crate::definitions::{Definitions, TypeId, TypeKind};

/// The types that a collection can hold; `None` = anything.
type Types = Option<Vec<One>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum One {
    Fhir(TypeId),
    System(System),
}

pub(super) fn check(root: &Expr, definitions: &'static Definitions, context: Option<TypeId>) -> Eval<()> {
    let checker = Checker { definitions };
    let this = context.map(|id| vec![One::Fhir(id)]);
    checker.infer(root, &this).map(|_| ())
}

struct Checker {
    definitions: &'static Definitions,
}

fn system(system: System) -> Types {
    Some(vec![One::System(system)])
}

fn semantic(at: u32, zh: impl Into<String>, en: impl Into<String>) -> Box<Fault> {
    Fault::new(FaultKind::Semantic, at, zh.into(), en.into())
}

/// Either of both.
fn either(a: Types, b: Types) -> Types {
    let (mut a, b) = (a?, b?);
    for one in b {
        if !a.contains(&one) {
            a.push(one);
        }
    }
    Some(a)
}

impl Checker {
    fn infer(&self, expr: &Expr, this: &Types) -> Eval<Types> {
        Ok(match &expr.op {
            Op::This => this.clone(),
            Op::Empty => Some(Vec::new()),
            Op::Index => system(System::Integer),
            Op::Total => None,
            Op::Literal(item) => system_type(item).and_then(system),
            Op::Variable(Variable::Text(_)) => system(System::String),
            Op::Variable(_) => None,
            Op::Root(id) => self.root(*id, this, expr.at)?,
            Op::Child(base, step) => {
                let base = self.infer(base, this)?;
                self.child(&base, step, expr.at)?
            }
            Op::Typed(base, using, test) => {
                self.infer(base, this)?;
                typed(*using, test)
            }
            Op::At(base, index) => {
                self.infer(index, this)?;
                self.infer(base, this)?
            }
            Op::Negate(inner) | Op::Plus(inner) => self.infer(inner, this)?,
            Op::And(list) | Op::Or(list) => {
                for part in list {
                    self.infer(part, this)?;
                }
                system(System::Boolean)
            }
            Op::Union(list) => {
                let mut types = Some(Vec::new());
                for part in list {
                    types = either(types, self.infer(part, this)?);
                }
                types
            }
            Op::Binary(operator, left, right) => {
                let (left, right) = (self.infer(left, this)?, self.infer(right, this)?);
                self.binary(*operator, &left, &right, expr.at)?
            }
            Op::Match(base, function, _, arguments) => {
                let base = self.infer(base, this)?;
                self.text_needed(*function, &base, expr.at)?;
                for argument in arguments {
                    self.infer(argument, this)?;
                }
                if *function == Function::ReplaceMatches { system(System::String) } else { system(System::Boolean) }
            }
            Op::Sort(base, keys) => {
                let base = self.infer(base, this)?;
                for (key, _) in keys {
                    self.infer(key, &base)?;
                }
                base
            }
            Op::Call(base, function, arguments) => self.call(*function, base, arguments, this, expr.at)?,
        })
    }

    fn name(&self, id: TypeId) -> String {
        let t = self.definitions.get(id);
        if t.path.is_empty() { t.name.to_owned() } else { format!("{}.{}", t.name, t.path) }
    }

    /// `Patient` at the start of a path.
    fn root(&self, id: TypeId, this: &Types, at: u32) -> Eval<Types> {
        let Some(types) = this else { return Ok(Some(vec![One::Fhir(id)])) };
        let fits = |one: &One| match one {
            One::Fhir(own) => self.definitions.is_a(*own, id) || self.definitions.is_a(id, *own),
            One::System(_) => false,
        };
        if types.iter().any(fits) {
            return Ok(Some(types.iter().filter(|one| fits(one)).copied().collect()));
        }
        let own = self.shown(types);
        let wanted = self.name(id);
        Err(semantic(at, format!("表达式以 {wanted} 开头，而这里是 {own}"), format!("the path starts at {wanted}, but this is {own}")))
    }

    fn shown(&self, types: &[One]) -> String {
        let names = types.iter().map(|one| match one {
            One::Fhir(id) => self.name(*id),
            One::System(s) => System::ALL.iter().find(|(system, _)| system == s).map_or("", |(_, name)| name).to_owned(),
        });
        names.collect::<Vec<_>>().join(" | ")
    }

    /// The types of a step down.
    fn child(&self, base: &Types, step: &Step, at: u32) -> Eval<Types> {
        let Some(types) = base else { return Ok(None) };
        let mut found = Vec::new();
        let mut open = types.is_empty();
        for one in types {
            match one {
                One::Fhir(id) => {
                    // any resource: only its own definition could say
                    open |= self.definitions.get(*id).is_abstract;
                    if let Step::Key { key, .. } = step {
                        let elements = self.definitions.elements(*id).filter(|(_, e)| e.key == *key);
                        found.extend(elements.flat_map(|(_, e)| self.definitions.properties(e)).map(|p| One::Fhir(p.type_id)));
                    }
                }
                One::System(System::Quantity | System::Any) => open = true,
                One::System(_) => {}
            }
        }
        if !found.is_empty() {
            return Ok(if open { None } else { Some(found) });
        }
        if open {
            return Ok(None);
        }
        let own = self.shown(types);
        let name = match step {
            Step::Key { key, .. } => key.known_name().unwrap_or_default(),
            Step::Strange(name) => name,
        };
        Err(match self.choice(types, step) {
            Some((stem, type_name)) => semantic(
                at,
                format!("FHIRPath 中选择类型写作 {stem}.ofType({type_name})，不写 {name}"),
                format!("in FHIRPath a choice is written {stem}.ofType({type_name}), not {name}"),
            ),
            None => semantic(at, format!("{own} 没有元素 {name}"), format!("{own} has no element {name}")),
        })
    }

    /// Where a step is one form of a choice (`valueQuantity`), how it should be written.
    fn choice(&self, types: &[One], step: &Step) -> Option<(&'static str, &'static str)> {
        let Step::Key { key, .. } = step else { return None };
        types.iter().find_map(|one| {
            let One::Fhir(id) = one else { return None };
            let property = self.definitions.property(*id, *key)?;
            let stem = self.definitions.element(property.element).key.known_name()?;
            Some((stem, self.definitions.get(property.type_id).name))
        })
    }

    fn binary(&self, operator: Binary, left: &Types, right: &Types, at: u32) -> Eval<Types> {
        let all = |types: &Types, wanted: &[System]| {
            types.as_ref().is_some_and(|t| !t.is_empty() && t.iter().all(|one| self.system(*one).is_some_and(|s| wanted.contains(&s))))
        };
        Ok(match operator {
            Binary::Add | Binary::Subtract => {
                let is_date = all(left, &[System::Date, System::DateTime, System::Time]);
                if is_date && all(right, &[System::Integer, System::Decimal, System::String, System::Boolean]) {
                    return Err(semantic(
                        at,
                        "日期只能加减带单位的时长，如 7 days",
                        "only a duration with a unit, as 7 days, can be added to a date",
                    ));
                }
                if is_date { left.clone() } else { None }
            }
            Binary::Concatenate => system(System::String),
            Binary::Multiply | Binary::Divide | Binary::Div | Binary::Mod => None,
            _ => system(System::Boolean),
        })
    }

    /// The System type of a value.
    fn system(&self, one: One) -> Option<System> {
        match one {
            One::System(system) => Some(system),
            One::Fhir(id) => match self.definitions.get(id).kind {
                TypeKind::Primitive(primitive) => Some(system_of(primitive)),
                _ => None,
            },
        }
    }

    /// Functions on texts want a primitive.
    fn text_needed(&self, function: Function, base: &Types, at: u32) -> Eval<()> {
        let Some(types) = base else { return Ok(()) };
        if types.is_empty() || types.iter().any(|one| self.system(*one).is_some()) {
            return Ok(());
        }
        let (own, name) = (self.shown(types), function.name());
        Err(semantic(at, format!("{name}() 用于字符串，而 {own} 不是"), format!("{name}() is for strings, which {own} is not")))
    }

    fn call(&self, function: Function, base: &Expr, arguments: &[Expr], this: &Types, at: u32) -> Eval<Types> {
        use Function as F;
        let own = self.infer(base, this)?;
        if matches!(function, F::Skip | F::Take | F::Tail | F::First | F::Last)
            && matches!(base.op, Op::Call(_, F::Children | F::Descendants, _))
        {
            let name = function.name();
            return Err(semantic(
                at,
                format!("children()、descendants() 的结果没有顺序，不能用 {name}()"),
                format!("what children() and descendants() give has no order, so {name}() has no meaning"),
            ));
        }
        // these look at each item, the others at where they stand
        let inner = match function {
            F::Where | F::Select | F::All | F::Exists | F::Repeat | F::Trace | F::Iif => &own,
            F::Aggregate => &None,
            _ => this,
        };
        let mut results = Vec::with_capacity(arguments.len());
        for argument in arguments {
            results.push(self.infer(argument, inner)?);
        }
        if matches!(
            function,
            F::StartsWith
                | F::EndsWith
                | F::Contains
                | F::IndexOf
                | F::LastIndexOf
                | F::Substring
                | F::Upper
                | F::Lower
                | F::Replace
                | F::Length
        ) {
            self.text_needed(function, &own, at)?;
        }
        self.result(function, own, results, arguments, at)
    }

    fn result(&self, function: Function, own: Types, mut results: Vec<Types>, arguments: &[Expr], at: u32) -> Eval<Types> {
        use Function as F;
        Ok(match function {
            F::Where
            | F::First
            | F::Last
            | F::Tail
            | F::Skip
            | F::Take
            | F::Single
            | F::Distinct
            | F::Trace
            | F::Exclude
            | F::Intersect
            | F::CheckModifiers => own,
            F::Select => results.pop().flatten(),
            F::Repeat => {
                let first = results.pop().flatten();
                // what is found on what was found; it may have nothing there
                let again = arguments.first().map_or(Ok(None), |argument| self.infer(argument, &first));
                either(first, again.unwrap_or(Some(Vec::new())))
            }
            F::Union | F::Combine => either(own, results.pop().flatten()),
            F::Iif => {
                let criterion = results.first().cloned().flatten();
                let not_boolean = |one: &One| self.system(*one) != Some(System::Boolean);
                if criterion.is_some_and(|types| !types.is_empty() && types.iter().all(not_boolean)) {
                    return Err(semantic(at, "iif() 的条件应为 Boolean", "the criterion of iif() must be a Boolean"));
                }
                results.drain(..).skip(1).fold(Some(Vec::new()), either)
            }
            F::Extension => self.definitions.type_named("Extension").map(|id| vec![One::Fhir(id)]),
            F::Count | F::Length | F::IndexOf | F::LastIndexOf | F::ToInteger | F::Precision | F::Ceiling | F::Floor | F::Truncate => {
                system(System::Integer)
            }
            F::ToDecimal | F::Exp | F::Ln | F::Log | F::Sqrt => system(System::Decimal),
            F::ToString
            | F::Upper
            | F::Lower
            | F::Substring
            | F::Replace
            | F::Trim
            | F::Join
            | F::Split
            | F::ToChars
            | F::Encode
            | F::Decode
            | F::Escape
            | F::Unescape => system(System::String),
            F::ToDate | F::Today => system(System::Date),
            F::ToDateTime | F::Now => system(System::DateTime),
            F::ToTime | F::TimeOfDay => system(System::Time),
            F::ToQuantity => system(System::Quantity),
            F::Children
            | F::Descendants
            | F::Resolve
            | F::Aggregate
            | F::Type
            | F::GetValue
            | F::Abs
            | F::Power
            | F::Round
            | F::LowBoundary
            | F::HighBoundary
            | F::ElementDefinition
            | F::Slice => None,
            // the rest asks
            _ => system(System::Boolean),
        })
    }
}

fn typed(using: TypeUse, test: &TypeTest) -> Types {
    match (using, test.fhir, test.system) {
        (TypeUse::Is, ..) => system(System::Boolean),
        (_, Some(id), None) => Some(vec![One::Fhir(id)]),
        (_, None, Some(s)) => system(s),
        _ => None,
    }
}
