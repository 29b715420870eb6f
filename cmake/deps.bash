# shellcheck shell=bash
# The two libraries that Debian's stable releases carry too old: libmicrohttpd and libjwt.
#
# A system that has them new enough uses its own. Otherwise Debian's newest source package is fetched with
# apt, through a sources list, an index folder and a cache of our own, so nothing of the system changes and
# every signature and checksum is verified as for any other Debian package. Only the upstream archive is
# unpacked: the Debian patches touch automake files and would ask for automake. The results are static
# libraries in build/deps/prefix.
#
# Sourced by ./dev, which provides $root, say, die and step.

deps="$root/build/deps"
prefix="$deps/prefix"

# pkg-config name, oldest acceptable version, Debian source packages to look in (the first that fits), recipe
third_party() {
	ensure_library libmicrohttpd 1.0.10 "libmicrohttpd" build_libmicrohttpd
	ensure_library libjwt 3.2.0 "libjwt3 libjwt" build_libjwt
}

ensure_library() {
	local module=$1 minimum=$2 sources=$3 recipe=$4 stamp="$deps/$1.stamp" mark
	if pkg-config --atleast-version="$minimum" "$module" 2>/dev/null; then
		return
	fi
	mark="$minimum $(declare -f "$recipe" library_cflags | sha256sum | cut -d' ' -f1)"
	if [[ -e $stamp && $(head -n 1 "$stamp") == "$mark" ]]; then
		return
	fi

	local archive=
	download "$module" "$minimum" "$sources"
	rm -rf "$stamp" "${deps:?}/$module"
	mkdir -p "$deps/$module/source" "$prefix"
	tar -xf "$archive" -C "$deps/$module/source" --strip-components=1
	step "Build $module $(upstream_version "$archive")" "$module" "$recipe" "$deps/$module"
	printf '%s\n%s\n' "$mark" "${archive##*/}" >"$stamp"
	rm -rf "${deps:?}/$module"
}

upstream_version() {
	local name=${1##*/}
	name=${name#*_}
	printf '%s\n' "${name%.orig.tar.*}"
}

# Sets $archive, the caller's, to the upstream archive of the first source package that is new enough.
download() {
	local module=$1 minimum=$2 sources=$3 mirror source
	for mirror in $(debian_mirrors); do
		for source in $sources; do
			rm -rf "$deps/archive/$source"
			mkdir -p "$deps/archive/$source"
			if ! step "Fetch the source of $module from $mirror" "fetch-$module" --try \
				fetch_source "$mirror" "$source"; then
				continue
			fi
			archive=$(find "$deps/archive/$source" -name "${source}_*.orig.tar.*" ! -name '*.asc' -print -quit)
			if [[ -n $archive ]] &&
				dpkg --compare-versions "$(upstream_version "$archive")" ge "$minimum"; then
				return
			fi
		done
	done
	tail -n 8 "$root/build/logs/fetch-$module.log" >&2
	die "$module $minimum or newer is needed, and no Debian mirror within reach has it (build/logs/fetch-$module.log)."
}

# The mirrors this system already uses for Debian itself, then Debian's own.
debian_mirrors() {
	{
		# shellcheck disable=SC2016 # $(REPO_URI) is apt's own placeholder
		apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
			grep -E '^https?://.*/debian/?$' | sed 's,/*$,,' || true
		echo http://deb.debian.org/debian
	} | awk '!seen[$0]++'
}

fetch_source() {
	local mirror=$1 source=$2
	private_apt "$mirror" update || with_newer_keyring "$mirror" || return 1
	(cd "$deps/archive/$source" && private_apt "$mirror" source --download-only "$source")
}

# apt with a state of its own. Whatever the system's apt may allow, unsigned indexes are refused here. One past its date
# (sid's are good for a week) is taken: a mirror that lags is common, and what it has must be new enough all the same.
private_apt() {
	local mirror=$1 state="$deps/apt" keyring option
	shift
	keyring=$(debian_keyring)
	mkdir -p "$state/lists/partial" "$state/cache"
	echo "deb-src [signed-by=$keyring] $mirror sid main" >"$state/sources.list"
	local options=()
	for option in "Dir::Etc::sourcelist=$state/sources.list" Dir::Etc::sourceparts=/dev/null \
		"Dir::State::lists=$state/lists" "Dir::Cache=$state/cache" \
		Dir::Cache::pkgcache= Dir::Cache::srcpkgcache= \
		Acquire::AllowInsecureRepositories=false Acquire::AllowWeakRepositories=false \
		APT::Get::AllowUnauthenticated=false APT::Sandbox::User=root \
		APT::Update::Error-Mode=any \
		Acquire::Check-Valid-Until=false Acquire::Languages=none Acquire::Retries=3; do
		options+=(-o "$option")
	done
	apt-get -q "${options[@]}" "$@"
}

debian_keyring() {
	local keyring
	for keyring in "$deps"/keyring/usr/share/keyrings/debian-archive-keyring.{pgp,gpg} \
		/usr/share/keyrings/debian-archive-keyring.{pgp,gpg}; do
		if [[ -e $keyring ]]; then
			printf '%s\n' "$keyring"
			return
		fi
	done
	echo "Debian's archive keys are missing (package debian-archive-keyring)." >&2
	return 1
}

# An old system may not know the keys that sid is signed with today. The keyring package of its own release,
# which its own keys vouch for, brings them.
with_newer_keyring() {
	local mirror=$1
	echo "Trying once more with the newest debian-archive-keyring of this release."
	rm -rf "$deps/keyring"
	mkdir -p "$deps/keyring"
	(cd "$deps/keyring" && apt-get -q -o APT::Sandbox::User=root download debian-archive-keyring &&
		dpkg-deb -x debian-archive-keyring_*.deb .) || return 1
	private_apt "$mirror" update
}

library_cflags() {
	local flags="-O2 -g -fPIC -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection"
	[[ $(uname -m) != x86_64 ]] || flags+=" -fcf-protection=full"
	printf '%s -ffile-prefix-map=%s/=\n' "$flags" "$deps"
}

# The recipes: in the folder they are given, source/ is what upstream released.

build_libmicrohttpd() {
	mkdir -p "$1/object"
	cd "$1/object"
	CFLAGS="$(library_cflags)" ../source/configure --prefix="$prefix" --libdir="$prefix/lib" \
		--enable-static --disable-shared --disable-dependency-tracking \
		--disable-https --disable-doc --disable-examples --disable-tools --disable-curl \
		--disable-dauth --disable-bauth --disable-postprocessor --disable-cookie
	make -j"$(nproc)" -C src/include
	make -j"$(nproc)" -C src/microhttpd libmicrohttpd.la
	make -C src/include install
	make -C src/microhttpd install-libLTLIBRARIES
	make install-pkgconfigDATA
}

# libjwt's own installation would also bring its shared library, tools and manual: only the archive is wanted.
build_libjwt() {
	cd "$1"
	cmake -S source -B object -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$(library_cflags)" \
		-DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_DISABLE_FIND_PACKAGE_Doxygen=ON \
		-DWITH_GNUTLS=OFF -DWITH_MBEDTLS=OFF -DWITH_LIBCURL=OFF -DWITH_KCAPI_MD=OFF -DWITH_TESTS=OFF
	ninja -C object jwt_static
	mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"
	cp source/include/jwt.h object/jwt_export.h "$prefix/include/"
	cp object/libjwt.a "$prefix/lib/"
	cat >"$prefix/lib/pkgconfig/libjwt.pc" <<-PC
		prefix=$prefix
		Name: libjwt
		Description: JSON Web Tokens, static
		Version: $(sed -n 's/^Version: //p' object/libjwt.pc)
		Requires: jansson libcrypto
		Cflags: -I\${prefix}/include -DJWT_STATIC_DEFINE
		Libs: -L\${prefix}/lib -ljwt
	PC
}
