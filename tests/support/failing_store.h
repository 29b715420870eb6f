/*
 * tests/support/failing_store.h - a session store that breaks when it is told to: the calls
 * of LMDB pass through here, since the library is linked dynamically. For one file of a
 * test program.
 */
#ifndef SALLYPORT_TESTS_SUPPORT_FAILING_STORE_H
#define SALLYPORT_TESTS_SUPPORT_FAILING_STORE_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>

#include <lmdb.h>

static atomic_bool store_reads_fail, store_writes_fail;

/* What the library itself has under a name that is ours here. */
#define FAILING_STORE_REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

int mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
	if (atomic_load(&store_reads_fail))
		return MDB_CORRUPTED;
	return FAILING_STORE_REAL(mdb_get)(txn, dbi, key, data);
}

int mdb_txn_commit(MDB_txn *txn)
{
	if (atomic_load(&store_writes_fail)) {
		mdb_txn_abort(txn);
		return MDB_PANIC;
	}
	return FAILING_STORE_REAL(mdb_txn_commit)(txn);
}

#endif
