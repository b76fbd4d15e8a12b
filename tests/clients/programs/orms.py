"""SQLAlchemy (over psycopg 3) and Django: reflection of the schema, a model, a session."""

import io
import re
import sys
import warnings

import ask

# Types that SQLAlchemy does not know are no news.
warnings.simplefilter("ignore")
WHERE = {"host": ask.HOST, "port": ask.PORT, "user": ask.USER, "password": ask.PASSWORD}


def state(error):
    cause = getattr(error, "orig", None) or error.__cause__ or error
    return f"ERROR {getattr(cause, 'sqlstate', '?????')} {getattr(getattr(cause, 'diag', None), 'message_primary', cause)} [-]"


class SqlAlchemy:
    scripts = False

    def connect(self, name):
        import sqlalchemy
        url = sqlalchemy.URL.create("postgresql+psycopg", username=ask.USER, password=ask.PASSWORD, host=ask.HOST, port=ask.PORT, database=ask.DATABASE)
        return sqlalchemy.create_engine(url, connect_args={"application_name": name})

    def close(self, engine):
        engine.dispose()

    def check_catalog(self, engine):
        import sqlalchemy
        found = []
        inspector = sqlalchemy.inspect(engine)
        for schema in inspector.get_schema_names():
            if schema == "information_schema":
                continue
            tables = sorted(inspector.get_table_names(schema=schema))
            found += [schema, tables, inspector.get_view_names(schema=schema), inspector.get_sequence_names(schema=schema), inspector.get_enums(schema=schema), inspector.get_domains(schema=schema)]
            for table in tables:
                if table == "staff":
                    continue
                for what in ("columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints", "check_constraints", "table_comment"):
                    found.append((table, what, getattr(inspector, "get_" + what)(table, schema=schema)))
        found.append(inspector.get_view_definition("towns"))
        found.append(inspector.has_table("people"))
        metadata = sqlalchemy.MetaData()
        metadata.reflect(engine, views=True)
        found += [re.sub(r" at 0x\w+", "", repr(table)) for table in sorted(metadata.tables.values(), key=str) if table.name != "staff"]
        return found

    def check_orm(self, engine):
        import sqlalchemy
        from sqlalchemy import orm
        from sqlalchemy.ext.automap import automap_base

        base = automap_base()
        base.prepare(autoload_with=engine)
        people, scratch, child, vault = (base.classes[n] for n in ("people", "scratch", "child", "vault"))
        found = []

        def shown(row):
            return {c.key: getattr(row, c.key) for c in sqlalchemy.inspect(row).mapper.column_attrs}

        def attempt(work):
            try:
                return work()
            except sqlalchemy.exc.DBAPIError as error:
                return state(error)

        with orm.Session(engine) as session:
            columns = orm.load_only(people.id, people.full_name, people.email, people.town, people.level, people.joined, people.tags)
            found += [attempt(lambda: [(p.id, p.full_name, p.email, p.town, p.joined, p.tags) for p in session.scalars(sqlalchemy.select(people).options(columns).order_by(people.id))])]
            found += [attempt(lambda: [(p.id, p.email) for p in session.scalars(sqlalchemy.select(people).options(columns).where(people.town == "Oslo").order_by(people.id).limit(3).offset(1))])]
            session.rollback()
            row = scratch(id=500, label="映射", n=5)
            session.add(row)
            session.flush()
            session.add(child(scratch_id=500, note="child"))
            session.flush()
            row.n = 6
            session.flush()
            session.refresh(row)
            found.append(shown(row))
            found.append([c.note for c in session.scalars(sqlalchemy.select(child).join(scratch).where(scratch.n == 6))])
            nested = session.begin_nested()
            found.append(attempt(lambda: session.scalars(sqlalchemy.select(vault.secret)).all()))
            nested.rollback()
            found.append(session.scalar(sqlalchemy.select(sqlalchemy.func.count()).select_from(scratch)))
            session.execute(sqlalchemy.insert(scratch), [{"id": 600 + i, "label": f"批{i}", "n": i} for i in range(100)])
            found.append(session.execute(sqlalchemy.insert(scratch).returning(scratch.id), [{"id": 800 + i, "label": f"返{i}", "n": i} for i in range(50)]).all())
            session.rollback()
            found.append(session.scalar(sqlalchemy.select(sqlalchemy.func.count()).select_from(scratch)))
            found.append([tuple(r) for r in session.execute(sqlalchemy.select(people.id, people.email).order_by(people.id).execution_options(yield_per=5))])
        return found

    def check_save(self, engine):
        import sqlalchemy
        from sqlalchemy import orm
        from sqlalchemy.dialects import postgresql
        from sqlalchemy.ext.automap import automap_base

        base = automap_base()
        base.prepare(autoload_with=engine, reflection_options={"only": ["saved"]})
        saved = base.classes.saved
        columns = [c.key for c in sqlalchemy.inspect(saved).column_attrs]
        changed = sqlalchemy.select(sqlalchemy.func.changed())
        found = []

        def whole(session, new):
            row, other = session.get(saved, 1), session.get(saved, 2)
            for column in columns:
                if column in new:
                    setattr(row, column, getattr(other, column))
                orm.attributes.flag_modified(row, column)
            session.flush()

        def detached(session, new):
            row, other = session.get(saved, 1), session.get(saved, 2)
            session.expunge_all()
            session.merge(saved(**{c: getattr(other if c in new else row, c) for c in columns}))
            session.flush()

        def conflict(session, new):
            row, other = session.get(saved, 1), session.get(saved, 2)
            insert = postgresql.insert(saved).values({c: getattr(other if c in new else row, c) for c in columns})
            session.execute(insert.on_conflict_do_update(index_elements=["id"], set_={c: insert.excluded[c] for c in columns}))

        for save in (whole, detached, conflict):
            for new in ((), ("salary",), ("born", "town"), ("name", "phone", "joined", "ip")):
                with orm.Session(engine) as session:
                    try:
                        save(session, new)
                        found.append(session.scalar(changed))
                    except sqlalchemy.exc.DBAPIError as error:
                        found.append(state(error))
                    session.rollback()
        return found

    def check_pool(self, engine):
        import sqlalchemy
        found = []
        for i in range(4):
            with engine.connect() as connection:
                found.append(connection.scalar(sqlalchemy.text("SHOW TimeZone")))
                connection.execute(sqlalchemy.text("SET TimeZone TO 'Asia/Shanghai'"))
                found.append(connection.execute(sqlalchemy.text("SELECT id, email FROM people WHERE level = :l ORDER BY id"), {"l": i % 3}).all())
        return found


class Django:
    scripts = False

    def __init__(self):
        import django
        from django.conf import settings
        settings.configure(USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField", INSTALLED_APPS=["django.contrib.contenttypes"],
                           DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": ask.DATABASE, **{k.upper(): v for k, v in WHERE.items()}}})
        django.setup()

    def connect(self, name):
        from django.db import connection
        connection.settings_dict["OPTIONS"] = {"application_name": name, "server_side_binding": name == "reuse"}
        connection.close()
        return connection

    def close(self, connection):
        connection.close()

    def check_catalog(self, connection):
        from django.core.management import call_command
        out = io.StringIO()
        call_command("inspectdb", "people", "kinds", "scratch", "child", "many", "towns", include_views=True, stdout=out)
        found = [out.getvalue(), connection.introspection.table_names(include_views=True)]
        with connection.cursor() as cursor:
            for table in ("people", "scratch", "child"):
                found.append(connection.introspection.get_constraints(cursor, table))
                found.append(connection.introspection.get_sequences(cursor, table))
                found.append(connection.introspection.get_relations(cursor, table))
        return found

    def check_orm(self, connection):
        from django.apps import apps
        from django.contrib.postgres.fields import ArrayField
        from django.db import DatabaseError, models, transaction

        meta = lambda table: type("Meta", (), {"managed": False, "db_table": table, "app_label": "clients"})
        field = models.TextField
        people = type("People", (models.Model,), {"__module__": __name__, "Meta": meta("people"), "id": models.IntegerField(primary_key=True), "full_name": field(), "email": field(null=True),
                      "born": models.DateField(), "joined": models.DateTimeField(), "tags": ArrayField(field()), "key": models.UUIDField(), "notes": models.JSONField(), "town": field(), "level": models.IntegerField()})
        scratch = type("Scratch", (models.Model,), {"__module__": __name__, "Meta": meta("scratch"), "id": models.IntegerField(primary_key=True), "label": field(), "n": models.IntegerField(null=True)})
        child = type("Child", (models.Model,), {"__module__": __name__, "Meta": meta("child"), "scratch": models.ForeignKey(scratch, models.CASCADE), "note": field()})
        vault = type("Vault", (models.Model,), {"__module__": __name__, "Meta": meta("vault"), "id": models.IntegerField(primary_key=True), "label": field(), "secret": field()})
        found = []

        def attempt(work):
            try:
                with transaction.atomic():
                    return work()
            except DatabaseError as error:
                return state(error)

        with transaction.atomic():
            found.append(attempt(lambda: list(people.objects.order_by("id").values())))
            found.append(attempt(lambda: list(people.objects.filter(town__in=["Oslo", "北京"], level=1).order_by("-id").values_list("email", "joined")[:3])))
            found.append(attempt(lambda: list(people.objects.filter(town__icontains="os").values_list("id", flat=True).order_by("id"))))
            found.append(attempt(lambda: people.objects.exclude(email=None).count()))
            found.append(attempt(lambda: list(people.objects.values("town").annotate(n=models.Count("id")).order_by("n", "town"))))
            found.append(attempt(lambda: list(vault.objects.all())))
            found.append(attempt(lambda: list(vault.objects.defer("secret").order_by("id").values("id", "label"))))
            row = scratch.objects.create(id=500, label="模型", n=5)
            child.objects.create(scratch=row, note="child")
            row.n = models.F("n") + 1
            row.save()
            row.refresh_from_db()
            found.append((row.n, [c.note for c in child.objects.select_related("scratch").filter(scratch__label="模型")]))
            found.append(scratch.objects.update_or_create(id=500, defaults={"label": "again"})[1])
            found.append(scratch.objects.bulk_create([scratch(id=600 + i, label=f"批{i}", n=i) for i in range(100)])[-1].label)
            found.append(scratch.objects.filter(id__gte=500, n__lt=3).update(n=7))
            found.append(attempt(lambda: scratch.objects.create(id=501, label="again")))
            found.append([p.email for p in people.objects.order_by("id").only("id", "email").iterator(chunk_size=5)])
            child.objects.filter(scratch_id__gte=500).count()
            transaction.set_rollback(True)
        found.append(scratch.objects.count())
        return found

    def check_save(self, connection):
        from django.db import DatabaseError, models, transaction

        field = models.TextField
        meta = type("Meta", (), {"managed": False, "db_table": "saved", "app_label": "clients"})
        saved = type("Saved", (models.Model,), {"__module__": __name__, "Meta": meta, "id": models.IntegerField(primary_key=True), "name": field(), "email": field(null=True),
                     "phone": models.CharField(max_length=20), "born": models.DateField(), "salary": models.DecimalField(max_digits=10, decimal_places=2), "joined": models.DateTimeField(),
                     "key": models.UUIDField(), "photo": models.BinaryField(), "notes": models.JSONField(), "town": field()})
        columns = [f.name for f in saved._meta.concrete_fields if f.name != "id"]
        found = []

        def changed():
            with connection.cursor() as cursor:
                return cursor.execute("SELECT changed()").fetchone()

        def save(row):
            row.save()

        def upsert(row):
            saved.objects.bulk_create([row], update_conflicts=True, unique_fields=["id"], update_fields=columns)

        for way in (save, upsert):
            for bound in (False, True):  # values in the text, and as parameters
                connection.settings_dict["OPTIONS"]["server_side_binding"] = bound
                connection.close()
                for new in ((), ("salary",), ("born", "town"), ("name", "phone", "joined")):
                    try:
                        with transaction.atomic():
                            row, other = saved.objects.get(id=1), saved.objects.get(id=2)
                            for column in new:
                                setattr(row, column, getattr(other, column))
                            way(row)
                            found.append(changed())
                            transaction.set_rollback(True)
                    except DatabaseError as error:
                        found.append(state(error))
        return found


if __name__ == "__main__":
    ask.run({"sqlalchemy": SqlAlchemy, "django": Django}[sys.argv[1]]())
