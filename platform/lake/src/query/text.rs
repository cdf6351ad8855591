//! Functions that make long values out of short ones.
//!
//! The memory pool counts what operators hold, not what an expression makes on the way: a statement of a few words could take
//! all memory. Functions whose only use is to make something long are not there; those that join or encode are bounded in what
//! one call may make of one batch.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, Result, exec_err, internal_err};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::BinaryOperator;
use std::sync::Arc;

/// Most bytes that one call may make of one batch.
const CALL_BYTES: usize = 64 << 20;
/// Functions whose answer is as long as a number says. `space` and the like have no place in a hunt.
const REMOVED: &[&str] =
    &["repeat", "lpad", "rpad", "array_repeat", "array_resize", "range", "generate_series", "gen_series"];
/// Functions whose answer is at most about as long as their arguments together.
const JOINING: &[&str] = &[
    "concat",
    "concat_ws",
    "overlay",
    "encode",
    "array_to_string",
    "array_concat",
    "array_append",
    "array_prepend",
    "make_array",
    "struct",
    "named_struct",
    "map",
];
/// Functions that put the last argument into the first, perhaps at every byte.
const REPLACING: &[&str] = &["replace", "regexp_replace", "translate"];

/// Takes functions out of a session and bounds others.
pub(super) fn bound(context: &mut SessionContext) -> Result<()> {
    for name in REMOVED {
        context.deregister_udf(name);
        context.deregister_udtf(name);
    }
    for (names, replaces) in [(JOINING, false), (REPLACING, true)] {
        for name in names {
            let found = context.state_ref().read().scalar_functions().get(*name).cloned();
            if let Some(inner) = found {
                context.register_udf(ScalarUDF::new_from_impl(Bounded { inner, replaces }));
            }
        }
    }
    let signature = Signature::user_defined(Volatility::Immutable);
    let operator = Operator(Arc::new(ScalarUDF::new_from_impl(Joined { signature })));
    datafusion::execution::FunctionRegistry::register_expr_planner(context, Arc::new(operator))
}

/// Bytes of values that a call sees, a single value counted for each row.
fn size(value: &ColumnarValue, rows: usize) -> usize {
    match value {
        ColumnarValue::Scalar(scalar) => scalar.size().saturating_mul(rows),
        ColumnarValue::Array(array) => array_bytes(array),
    }
}

/// Bytes of the values themselves: buffers may be shared by many arrays and hold more than is shown.
pub(super) fn array_bytes(array: &ArrayRef) -> usize {
    // The low half of a view is its length.
    let views = |views: &[u128]| views.iter().map(|view| 16 + (*view as u32) as usize).sum();
    match array.data_type() {
        DataType::Utf8View => views(array.as_string_view().views()),
        DataType::BinaryView => views(array.as_binary_view().views()),
        _ => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
    }
}

fn check(name: &str, bytes: usize) -> Result<()> {
    if bytes > CALL_BYTES {
        return exec_err!("{name} would make more than {CALL_BYTES} bytes of one batch of rows");
    }
    Ok(())
}

/// A function that looks at its arguments first.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    replaces: bool,
}

impl Bounded {
    /// Bytes that the answer has at most.
    fn most(&self, args: &ScalarFunctionArgs) -> usize {
        let scalars = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalars { 1 } else { args.number_rows };
        let sum = args.args.iter().map(|arg| size(arg, rows)).fold(0, usize::saturating_add);
        if !self.replaces {
            return sum;
        }
        // Flags of a pattern stand behind the replacement.
        let longest = match args.args.get(2) {
            Some(ColumnarValue::Scalar(scalar)) => scalar.size().saturating_sub(size_of_val(scalar)),
            Some(ColumnarValue::Array(array)) => array_bytes(array),
            None => 0,
        };
        let text = args.args.first().map_or(0, |text| size(text, rows));
        text.saturating_mul(longest.max(1)).saturating_add(sum)
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(self.name(), self.most(&args))?;
        self.inner.invoke_with_args(args)
    }
}

fn is_bytes(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

/// Plans `a || b` as the function below.
#[derive(Debug)]
struct Operator(Arc<ScalarUDF>);

impl ExprPlanner for Operator {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let joins = expr.op == BinaryOperator::StringConcat
            && [&expr.left, &expr.right]
                .into_iter()
                .all(|side| side.get_type(schema).is_ok_and(|kind| !kind.is_nested() && !is_bytes(&kind)));
        Ok(match joins {
            true => PlannerResult::Planned(Expr::ScalarFunction(
                datafusion::logical_expr::expr::ScalarFunction::new_udf(self.0.clone(), vec![expr.left, expr.right]),
            )),
            false => PlannerResult::Original(expr),
        })
    }
}

/// What stands for `||`: NULL where either side is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined {
    signature: Signature,
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "joined"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Utf8View; types.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [left, right] = &args.args[..] else { return internal_err!("|| has two sides") };
        let single = [left, right].into_iter().all(|side| matches!(side, ColumnarValue::Scalar(_)));
        let rows = if single { 1 } else { rows };
        check("||", size(left, rows).saturating_add(size(right, rows)))?;
        let text = |side: &ColumnarValue| -> Result<ArrayRef> {
            Ok(cast(&side.clone().into_array(rows)?, &DataType::Utf8View)?)
        };
        let (left, right) = (text(left)?, text(right)?);
        let mut joined = StringViewBuilder::with_capacity(rows);
        for (left, right) in left.as_string_view().iter().zip(right.as_string_view()) {
            joined.append_option(left.zip(right).map(|(left, right)| [left, right].concat()));
        }
        let joined: ArrayRef = Arc::new(joined.finish());
        match single {
            true => Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&joined, 0)?)),
            false => Ok(ColumnarValue::Array(joined)),
        }
    }
}
