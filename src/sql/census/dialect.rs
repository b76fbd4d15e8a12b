//! `sqlparser` with two changes to its PostgreSQL: it gives up where it would try readings without end, and it keeps no chains of AND
//! and OR, which PostgreSQL's grammar flattens (so the caps let them through) and which here would be as deep as they are long.

use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use sqlparser::ast;
use sqlparser::dialect::{BindPlaceholderStyle, Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::{Census, walk};

/// How deep `sqlparser` may recurse; each level of a tree takes it a few.
const RECURSION: usize = 1000;
/// Steps for each token: what is read without trying takes a handful.
const STEPS: usize = 100;

/// One reading of one statement.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// What stood on the left of each AND and OR, by where that stands: the parser may try a reading, give it up and come by again.
    found: RefCell<BTreeMap<Location, Census>>,
    /// Steps that may still be made.
    left: Cell<usize>,
}

impl Reading {
    /// The statement, where the whole text is one.
    pub(super) fn statement(&self, text: &str) -> Option<ast::Statement> {
        let tokens = Tokenizer::new(self, text).tokenize_with_location().ok()?;
        self.left.set(tokens.len().saturating_mul(STEPS));
        let mut parser = Parser::new(self).with_recursion_limit(RECURSION).with_tokens_with_locations(tokens);
        let statement = parser.parse_statement().ok()?;
        while parser.consume_token(&Token::SemiColon) {}
        (parser.peek_token_ref().token == Token::EOF && self.left.get() > 0).then_some(statement)
    }

    /// What was found while reading.
    pub(super) fn found(self) -> Census {
        let mut all = Census::default();
        self.found.into_inner().into_values().for_each(|census| all.add(census));
        all
    }

    fn step(&self) -> Result<(), ParserError> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            // the one error that is not tried around
            None => Err(ParserError::RecursionLimitExceeded),
        }
    }
}

/// Methods that are PostgreSQL's.
macro_rules! as_postgresql {
    ($($method:ident($($arg:ident: $ty:ty),*) -> $result:ty),* $(,)?) => {
        $(fn $method(&self, $($arg: $ty),*) -> $result { PostgreSqlDialect {}.$method($($arg),*) })*
    };
}

impl Dialect for Reading {
    /// The parser asks for PostgreSQL by type.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn parse_prefix(&self, _: &mut Parser) -> Option<Result<ast::Expr, ParserError>> {
        self.step().err().map(Err)
    }

    fn parse_infix(&self, parser: &mut Parser, left: &ast::Expr, precedence: u8) -> Option<Result<ast::Expr, ParserError>> {
        let next = parser.peek_token_ref();
        let (Token::Word(word), place) = (&next.token, next.span.start) else { return None };
        if !matches!(word.keyword, Keyword::AND | Keyword::OR) {
            return None;
        }
        let mut census = Census::default();
        walk::add_expr(left, &mut census);
        self.found.borrow_mut().insert(place, census);
        parser.advance_token();
        Some(parser.parse_subexpr(precedence))
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        if let Err(e) = self.step() {
            return Some(Err(e));
        }
        PostgreSqlDialect {}.get_next_precedence(parser)
    }

    as_postgresql!(
        identifier_quote_style(name: &str) -> Option<char>,
        ordered_bind_placeholder_style() -> Option<BindPlaceholderStyle>,
        is_delimited_identifier_start(c: char) -> bool,
        is_identifier_start(c: char) -> bool,
        is_identifier_part(c: char) -> bool,
        is_reserved_for_identifier(word: Keyword) -> bool,
        is_table_alias(word: &Keyword, parser: &mut Parser) -> bool,
        supports_string_literal_column_alias(explicit: bool) -> bool,
        supports_string_literal_table_alias(explicit: bool) -> bool,
        is_custom_operator_part(c: char) -> bool,
        prec_value(precedence: Precedence) -> u8,
        is_interval_qualifier(word: Keyword) -> bool,
        is_custom_type_typed_string(first: Keyword, qualified: bool) -> bool,
        supports_cte_materialization() -> bool,
        supports_unicode_string_literal() -> bool,
        supports_filter_during_aggregation() -> bool,
        supports_group_by_expr() -> bool,
        supports_drop_group() -> bool,
        supports_alter_user_as_alter_role() -> bool,
        supports_create_group() -> bool,
        supports_create_role_if_not_exists() -> bool,
        allow_extract_custom() -> bool,
        allow_extract_single_quotes() -> bool,
        supports_create_index_with_clause() -> bool,
        supports_sql_option_without_value() -> bool,
        supports_explain_with_utility_options() -> bool,
        supports_listen_notify() -> bool,
        supports_exclude_constraint() -> bool,
        supports_factorial_operator() -> bool,
        supports_bitwise_shift_operators() -> bool,
        supports_tilde_like_match_operator() -> bool,
        supports_comparison_in_between_low_bound() -> bool,
        supports_comment_on() -> bool,
        supports_load_extension() -> bool,
        supports_named_fn_args_with_colon_operator() -> bool,
        supports_named_fn_args_with_expr_name() -> bool,
        supports_named_fn_args_with_assignment_operator() -> bool,
        supports_empty_projections() -> bool,
        supports_nested_comments() -> bool,
        supports_copy_from_stdin_data() -> bool,
        supports_string_escape_constant() -> bool,
        supports_numeric_literal_underscores() -> bool,
        supports_non_decimal_integer_literals() -> bool,
        supports_array_typedef_with_brackets() -> bool,
        supports_geometric_types() -> bool,
        supports_order_by_using_operator() -> bool,
        supports_set_names() -> bool,
        supports_alter_column_type_using() -> bool,
        supports_left_associative_joins_without_parens() -> bool,
        supports_notnull_operator() -> bool,
        supports_interval_options() -> bool,
        supports_insert_table_alias() -> bool,
        supports_create_table_like_parenthesized() -> bool,
        supports_select_wildcard_with_alias() -> bool,
        supports_comma_separated_trim() -> bool,
        supports_xml_expressions() -> bool,
        supports_aliased_function_args() -> bool,
        supports_comment_optimizer_hint() -> bool,
        supports_add_column_if_not_exists() -> bool,
        supports_attach_partition_of() -> bool,
        supports_detach_partition_of() -> bool,
        supports_table_inheritance_markers() -> bool,
        supports_column_generic_options() -> bool,
    );
}
