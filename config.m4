dnl The extension: ext/*.c and the shared protocol code. Everything works without a switch.

PHP_ARG_ENABLE([fanfare],
  [whether to enable fanfare],
  [AS_HELP_STRING([--disable-fanfare], [Do not build the fanfare extension])],
  [yes])

PHP_ARG_ENABLE([fanfare-dev],
  [whether to treat warnings of fanfare as errors],
  [AS_HELP_STRING([--enable-fanfare-dev], [fanfare: warnings are errors (for its developers)])],
  [no], [no])

PHP_ARG_WITH([fanfare-sanitize],
  [whether to build fanfare with sanitizers],
  [AS_HELP_STRING([--with-fanfare-sanitize=LIST], [fanfare: build with -fsanitize=LIST (for its developers)])],
  [no], [no])

if test "$PHP_FANFARE" != "no"; then
  PKG_CHECK_MODULES([FANFARE_MSGPACK], [msgpack-c >= 4.0.0], [],
    [PKG_CHECK_MODULES([FANFARE_MSGPACK], [msgpack >= 4.0.0], [],
      [AC_MSG_ERROR([msgpack-c 4.0 or newer was not found. Debian 12: libmsgpack-dev, Debian 13: libmsgpack-c-dev,
 Alpine: msgpack-c-dev, Fedora: msgpack-devel, macOS: brew install msgpack])])])
  PHP_EVAL_INCLINE([$FANFARE_MSGPACK_CFLAGS])
  PHP_EVAL_LIBLINE([$FANFARE_MSGPACK_LIBS], [FANFARE_SHARED_LIBADD])
  PHP_SUBST([FANFARE_SHARED_LIBADD])

  FANFARE_CFLAGS="-std=gnu11 -DZEND_ENABLE_STATIC_TSRMLS_CACHE=1 -fvisibility=hidden"
  if test "$PHP_FANFARE_DEV" != "no"; then
    FANFARE_CFLAGS="$FANFARE_CFLAGS -Wall -Wextra -Werror -Wno-unused-parameter"
  fi
  if test "$PHP_FANFARE_SANITIZE" != "no"; then
    FANFARE_CFLAGS="$FANFARE_CFLAGS -g -O1 -fno-omit-frame-pointer -fsanitize=$PHP_FANFARE_SANITIZE"
    LDFLAGS="$LDFLAGS -fsanitize=$PHP_FANFARE_SANITIZE"
  fi

  PHP_NEW_EXTENSION([fanfare], m4_normalize([
      ext/fanfare.c
      ext/fanfare_answer.c
      ext/fanfare_async.c
      ext/fanfare_breaker.c
      ext/fanfare_call.c
      ext/fanfare_client.c
      ext/fanfare_encode.c
      ext/fanfare_errors.c
      ext/fanfare_event.c
      ext/fanfare_exchange.c
      ext/fanfare_hello.c
      ext/fanfare_ini.c
      ext/fanfare_io.c
      ext/fanfare_listener.c
      ext/fanfare_log.c
      ext/fanfare_operator.c
      ext/fanfare_outcome.c
      ext/fanfare_peer.c
      ext/fanfare_pool.c
      ext/fanfare_publish.c
      ext/fanfare_query.c
      ext/fanfare_stream.c
      ext/fanfare_values.c
      shared/ipc_control.c
      shared/ipc_listen.c
      shared/ipc_pack.c
      shared/ipc_unpack.c
      shared/ipc_walk.c
      shared/utf8.c
    ]), [$ext_shared],, [$FANFARE_CFLAGS])

  dnl $ext_srcdir and $ext_builddir exist from here on. The root is not an include path: phpize's config.h lies there.
  PHP_ADD_INCLUDE([$ext_srcdir/ext])
  PHP_ADD_INCLUDE([$ext_srcdir/shared])
  PHP_ADD_BUILD_DIR([$ext_builddir/ext], [1])
  PHP_ADD_BUILD_DIR([$ext_builddir/shared], [1])
  PHP_ADD_EXTENSION_DEP([fanfare], [hash])
  PHP_ADD_EXTENSION_DEP([fanfare], [json])
  PHP_ADD_EXTENSION_DEP([fanfare], [spl])
fi
