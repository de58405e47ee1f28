/** What must have happened before the server starts: a migration of its database, say. */
public final class Migrate {
	public static void main(String[] arguments) {
		if (System.getenv("MIGRATION_FAILS") != null) {
			System.out.println("not migrated");
			System.exit(4);
		}
		System.out.println("migrated");
	}
}
