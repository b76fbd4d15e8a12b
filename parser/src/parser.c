/*
 * PostgreSQL's parser and libpg_query's deparser, called by libpg_query's own inner functions: one parse gives the tree and the
 * fingerprints of its statements. The tree is written in protobuf's form by the field lists that libpg_query generates
 * (pg_query_outfuncs_defs.c), straight into one buffer: its own writer goes by way of upb, which looks at each of a node's 271 possible
 * kinds.
 *
 * ereport(ERROR) jumps to PG_CATCH here; no caller's frame is between.
 */
#include "pg_query.h"
#include "pg_query_internal.h"
#include "pg_query_fingerprint.h"
#include "pg_query_readfuncs.h"

#include "postgres.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "nodes/value.h"
#include "parser/parser.h"

/* Field numbers, made from pg_query.proto by build.rs. */
#include "fields.h"

/* What is known of a statement beside its tree. */
typedef struct ParserStatement
{
	uint64_t	fingerprint;	/* 0 where none was wanted */
	bool		emptied;		/* the tree lost an empty text */
} ParserStatement;

/* As in lib.rs. */
typedef struct ParserResult
{
	char	   *data;			/* the tree, or the text; malloc */
	size_t		len;
	ParserStatement *statements;	/* malloc */
	size_t		count;
	bool		failed;
	char	   *message;		/* malloc; NULL also where there was no memory for it */
	char	   *hint;			/* malloc; NULL where there is none */
	int			sqlstate;		/* as MAKE_SQLSTATE packs it */
	int			cursorpos;		/* in characters from 1, 0 where there is none */
} ParserResult;

void		parser_read(const char *text, bool fingerprints, ParserResult *result);
void		parser_print(const char *tree, size_t len, ParserResult *result);
void		parser_free(ParserResult *result);

/* Where a message's bytes go. */
typedef StringInfo Out;

/*
 * A field's empty text was left out of the message, as protobuf does: whoever reads it back finds NULL there, which the deparser takes
 * for something else (COPY t TO '') or trips over (PREPARE TRANSACTION '').
 */
static __thread bool emptied;

/* Where PostgreSQL itself takes an empty text for none. */
static const char *const same_as_none[] = {"CommentStmt_comment", "SecLabelStmt_label", "NotifyStmt_payload"};

/* A length takes four bytes, whatever it is, so that it can be filled in behind its message. */
#define LENGTH_BYTES 4

/* Room for some more bytes. */
static inline char *
room(Out out, int bytes)
{
	if (out->maxlen - out->len <= bytes)
		enlargeStringInfo(out, bytes);
	return out->data + out->len;
}

static inline void
put_varint(Out out, uint64 value)
{
	char	   *start = room(out, 10);
	char	   *at = start;

	for (; value >= 0x80; value >>= 7)
		*at++ = (char) (value | 0x80);
	*at++ = (char) value;
	out->len += at - start;
}

static void
put_int(Out out, int field, int64 value)
{
	if (value == 0)
		return;
	put_varint(out, field << 3);
	put_varint(out, (uint64) value);
}

static void
put_double(Out out, int field, double value)
{
	uint64		bits;

	memcpy(&bits, &value, sizeof bits);
	if (bits != 0)
		elog(ERROR, "a cost in a tree that was not planned");
}

static void
put_bytes(Out out, int field, const char *bytes, size_t len)
{
	if (len == 0)
		return;
	if (len >= MaxAllocSize)
		elog(ERROR, "a text in the tree is too long");
	put_varint(out, (field << 3) | 2);
	put_varint(out, len);
	memcpy(room(out, (int) len), bytes, len);
	out->len += (int) len;
}

static void
put_string(Out out, int field, const char *text)
{
	if (text != NULL)
		put_bytes(out, field, text, strlen(text));
}

static void
put_field_string(Out out, int field, const char *text, const char *name)
{
	bool		lost = text != NULL && *text == '\0';

	put_string(out, field, text);
	for (int i = 0; lost && i < lengthof(same_as_none); i++)
		lost = strcmp(name, same_as_none[i]) != 0;
	emptied |= lost;
}

/* Begins a message within a message; returns where it begins. */
static int
begin(Out out, int field)
{
	put_varint(out, (field << 3) | 2);
	room(out, LENGTH_BYTES);
	out->len += LENGTH_BYTES;
	return out->len;
}

static void
end(Out out, int start)
{
	unsigned int len = out->len - start;

	if (len >= 1u << (7 * LENGTH_BYTES))
		elog(ERROR, "the tree is too large");
	for (int i = LENGTH_BYTES; i > 0; i--)
	{
		out->data[start - i] = (char) ((len & 0x7f) | (i > 1 ? 0x80 : 0));
		len >>= 7;
	}
}

#define OUT_TYPE(typename, typename_c) Out

#define OUT_NODE(typename, typename_c, typename_underscore, typename_underscore_upcase, typename_cast, fldname) \
	{ \
		int			start = begin(out, FIELD_Node_##fldname); \
		_out##typename_c(out, (const typename_cast *) obj); \
		end(out, start); \
	}

#define WRITE_INT_FIELD(msgtype, outname, outname_json, fldname)    put_int(out, FIELD_##msgtype##_##outname, node->fldname);
#define WRITE_UINT_FIELD(msgtype, outname, outname_json, fldname)   put_int(out, FIELD_##msgtype##_##outname, node->fldname);
#define WRITE_UINT64_FIELD(msgtype, outname, outname_json, fldname) put_int(out, FIELD_##msgtype##_##outname, (int64) node->fldname);
#define WRITE_LONG_FIELD(msgtype, outname, outname_json, fldname)   put_int(out, FIELD_##msgtype##_##outname, node->fldname);
#define WRITE_FLOAT_FIELD(msgtype, outname, outname_json, fldname)  put_double(out, FIELD_##msgtype##_##outname, node->fldname);
#define WRITE_BOOL_FIELD(msgtype, outname, outname_json, fldname)   put_int(out, FIELD_##msgtype##_##outname, node->fldname);
#define WRITE_CHAR_FIELD(msgtype, outname, outname_json, fldname) \
	put_bytes(out, FIELD_##msgtype##_##outname, &node->fldname, node->fldname != 0);
#define WRITE_STRING_FIELD(msgtype, outname, outname_json, fldname) \
	put_field_string(out, FIELD_##msgtype##_##outname, node->fldname, #msgtype "_" #outname);
#define WRITE_ENUM_FIELD(msgtype, enumtype, outname, outname_json, fldname) \
	put_int(out, FIELD_##msgtype##_##outname, _enumToInt##enumtype(node->fldname));
#define WRITE_LIST_FIELD(msgtype, outname, outname_json, fldname)   put_list(out, FIELD_##msgtype##_##outname, node->fldname);

/* Only the planner and the rewriter make these. */
#define WRITE_BITMAPSET_FIELD(msgtype, outname, outname_json, fldname) \
	if (node->fldname != NULL) \
		elog(ERROR, "a set of numbers in a tree that was not planned");

#define WRITE_NODE_PTR_FIELD(msgtype, outname, outname_json, fldname) \
	if (node->fldname != NULL) \
		put_node(out, FIELD_##msgtype##_##outname, node->fldname);

#define WRITE_SPECIFIC_NODE_FIELD(msgtype, typename, typename_underscore, outname, outname_json, fldname) \
	{ \
		int			start = begin(out, FIELD_##msgtype##_##outname); \
		_out##typename(out, &node->fldname); \
		end(out, start); \
	}

/* This comes by no _outNode, where the depth is looked at: a UNION chain nests SelectStmt in SelectStmt. */
#define WRITE_SPECIFIC_NODE_PTR_FIELD(msgtype, typename, typename_underscore, outname, outname_json, fldname) \
	if (node->fldname != NULL) \
	{ \
		int			start; \
		check_stack_depth(); \
		start = begin(out, FIELD_##msgtype##_##outname); \
		_out##typename(out, node->fldname); \
		end(out, start); \
	}

static void _outNode(Out out, const void *obj);

static void
put_node(Out out, int field, const void *obj)
{
	int			start = begin(out, field);

	_outNode(out, obj);
	end(out, start);
}

static void
put_list(Out out, int field, const List *list)
{
	const ListCell *cell;

	foreach(cell, list)
		put_node(out, field, lfirst(cell));
}

static void
_outList(Out out, const List *node)
{
	put_list(out, FIELD_List_items, node);
}

/* No grammar rule makes a list of numbers. */
static void
_outIntList(Out out, const List *node)
{
	elog(ERROR, "a list of numbers in a tree that was not planned");
}

static void
_outOidList(Out out, const List *node)
{
	elog(ERROR, "a list of OIDs in a tree that was not planned");
}

static void
_outInteger(Out out, const Integer *node)
{
	put_int(out, FIELD_Integer_ival, node->ival);
}

static void
_outFloat(Out out, const Float *node)
{
	put_string(out, FIELD_Float_fval, node->fval);
}

static void
_outBoolean(Out out, const Boolean *node)
{
	put_int(out, FIELD_Boolean_boolval, node->boolval);
}

static void
_outString(Out out, const String *node)
{
	put_string(out, FIELD_String_sval, node->sval);
}

static void
_outBitString(Out out, const BitString *node)
{
	put_string(out, FIELD_BitString_bsval, node->bsval);
}

#define A_CONST(tag, typename, field) \
	case tag: \
		{ \
			int			start = begin(out, FIELD_A_Const_##field); \
			_out##typename(out, &node->val.field); \
			end(out, start); \
		} \
		break

static void
_outAConst(Out out, const A_Const *node)
{
	if (!node->isnull)
	{
		switch (nodeTag(&node->val.node))
		{
				A_CONST(T_Integer, Integer, ival);
				A_CONST(T_Float, Float, fval);
				A_CONST(T_Boolean, Boolean, boolval);
				A_CONST(T_String, String, sval);
				A_CONST(T_BitString, BitString, bsval);
			default:
				elog(ERROR, "a constant of an unknown kind: %d", (int) nodeTag(&node->val.node));
		}
	}
	put_int(out, FIELD_A_Const_isnull, node->isnull);
	put_int(out, FIELD_A_Const_location, node->location);
}

#include "pg_query_enum_defs.c"
#include "pg_query_outfuncs_defs.c"

static void
_outNode(Out out, const void *obj)
{
	check_stack_depth();
	if (obj == NULL)
		return;					/* a message without content */
	switch (nodeTag(obj))
	{
#include "pg_query_outfuncs_conds.c"

		default:
			elog(ERROR, "a node of an unknown kind: %d", (int) nodeTag(obj));
	}
}

/*
 * Where a call's memory comes from: emptied behind each call, not given back, so that an ordinary statement needs no malloc. It goes with
 * the thread, as a child of TopMemoryContext, which libpg_query deletes then.
 */
static __thread MemoryContext workspace = NULL;

#define WORKSPACE_SIZE (64 * 1024)

static void
enter_workspace(void)
{
	if (workspace == NULL)
		workspace = AllocSetContextCreate(TopMemoryContext, "parser", WORKSPACE_SIZE, WORKSPACE_SIZE, ALLOCSET_DEFAULT_MAXSIZE);
	MemoryContextSwitchTo(workspace);
}

static void
leave_workspace(MemoryContext outer)
{
	MemoryContextSwitchTo(outer);
	if (workspace != NULL)
		MemoryContextReset(workspace);
	pg_query_exit_memory_context(outer);
}

/* Moves a buffer's content out of the memory context. */
static void
keep(ParserResult *result, const char *data, size_t len)
{
	result->data = malloc(len + 1);
	if (result->data == NULL)
		elog(ERROR, "out of memory");
	memcpy(result->data, data, len);
	result->data[len] = '\0';
	result->len = len;
}

/* The error that was thrown, where it was caught. */
static void
fail(ParserResult *result, MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	result->failed = true;
	result->message = error->message == NULL ? NULL : strdup(error->message);
	result->hint = error->hint == NULL ? NULL : strdup(error->hint);
	result->sqlstate = error->sqlerrcode;
	result->cursorpos = error->cursorpos;
}

static void
read_text(const char *text, bool fingerprints, ParserResult *result)
{
	List	   *tree = raw_parser(text, RAW_PARSE_DEFAULT);
	StringInfoData out;
	ListCell   *cell;

	result->count = list_length(tree);
	result->statements = calloc(result->count + 1, sizeof(ParserStatement));
	if (result->statements == NULL)
		elog(ERROR, "out of memory");
	initStringInfo(&out);
	put_int(&out, FIELD_ParseResult_version, PG_VERSION_NUM);
	foreach(cell, tree)
	{
		ParserStatement *statement = &result->statements[foreach_current_index(cell)];
		int			start = begin(&out, FIELD_ParseResult_stmts);

		emptied = false;
		_outRawStmt(&out, lfirst_node(RawStmt, cell));
		end(&out, start);
		statement->emptied = emptied;
		/* as if it stood alone */
		if (fingerprints)
			statement->fingerprint = pg_query_fingerprint_node(list_make1(lfirst(cell)));
	}
	keep(result, out.data, out.len);
}

/* Parses a text. */
void
parser_read(const char *text, bool fingerprints, ParserResult *result)
{
	MemoryContext context = pg_query_enter_memory_context();

	PG_TRY();
	{
		enter_workspace();
		read_text(text, fingerprints, result);
	}
	PG_CATCH();
	{
		fail(result, context);
	}
	PG_END_TRY();
	leave_workspace(context);
}

static void
print_tree(const char *tree, size_t len, ParserResult *result)
{
	PgQueryProtobuf protobuf = {len, (char *) tree};
	PostgresDeparseOpts options = {0};
	StringInfoData text;
	List	   *statements = pg_query_protobuf_to_nodes(protobuf);

	if (list_length(statements) != 1)
		elog(ERROR, "there is not one statement to print");
	initStringInfo(&text);
	deparseRawStmtOpts(&text, linitial_node(RawStmt, statements), &options);
	keep(result, text.data, text.len);
}

/* Prints the one statement of a tree. */
void
parser_print(const char *tree, size_t len, ParserResult *result)
{
	MemoryContext context = pg_query_enter_memory_context();

	PG_TRY();
	{
		enter_workspace();
		print_tree(tree, len, result);
	}
	PG_CATCH();
	{
		fail(result, context);
	}
	PG_END_TRY();
	leave_workspace(context);
}

void
parser_free(ParserResult *result)
{
	free(result->data);
	free(result->statements);
	free(result->message);
	free(result->hint);
	memset(result, 0, sizeof *result);
}
