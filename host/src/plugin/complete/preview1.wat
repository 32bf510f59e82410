;; otlet's adapter: what a core module gets for `wasi_snapshot_preview1`, of functions of the contract. It has no state of WASI:
;; no arguments, variables, files or sockets. What is printed goes to `print`, the clock is `now`, and randomness is `random`.
;;
;; While the host hands something over (in `cabi_realloc`) or takes it back (in `cabi_post_..`) a component may not call out, and
;; some run-times collect garbage there. completion.rs wraps those exports so that `inside` tells; then the clock stands still
;; but for a microsecond a look, nothing is printed, and there is no randomness, since what can be foretold is worse than none.
;;
;; An adapter has no memory of its own, no data and no tables (see the crate wit-component).
(module
  (import "otlet:plugin/host@0.1.0" "now" (func $now (result i64)))
  (import "otlet:plugin/host@0.1.0" "random" (func $random (param $len i32) (param $answer i32)))
  (import "otlet:plugin/host@0.1.0" "print" (func $print (param $fd i32) (param $at i32) (param $len i32)))
  (import "__main_module__" "otlet:inside" (func $inside (result i32)))
  (import "env" "memory" (memory 0))

  ;; The clocks when they were last looked at, in nanoseconds; the second never goes back.
  (global $wall (mut i64) (i64.const 0))
  (global $monotonic (mut i64) (i64.const 0))
  ;; Where the answer of `random` is to go.
  (global $room (mut i32) (i32.const 0))

  ;; The memory for the answers of imports: that is `random`'s alone, which is written where it is wanted.
  (func (export "cabi_import_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $room))

  (func $look (param $step i64)
    (global.set $wall (i64.add (global.get $wall) (local.get $step)))
    (if (i32.eqz (call $inside))
      (then (global.set $wall (i64.mul (call $now) (i64.const 1000000)))))
    (global.set $monotonic (i64.add (global.get $monotonic) (local.get $step)))
    (if (i64.gt_s (global.get $wall) (global.get $monotonic))
      (then (global.set $monotonic (global.get $wall)))))

  ;; 0 is the time of day; 1 is monotonic, and so are the two of CPU time.
  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $out i32) (result i32)
    (if (i32.gt_u (local.get $clock) (i32.const 3)) (then (return (i32.const 28)))) ;; EINVAL
    (call $look (select (i64.const 1000) (i64.const 0) (call $inside)))
    (i64.store (local.get $out)
      (select (global.get $monotonic) (global.get $wall) (local.get $clock)))
    (i32.const 0))
  (func (export "clock_res_get") (param $clock i32) (param $out i32) (result i32)
    (i64.store (local.get $out) (i64.const 1000000))
    (i32.const 0))

  ;; `random` gives a list, and where it lies goes into 8 bytes of memory: what stands there is put back. They are below or above
  ;; what is filled, which is at most half a page at a time.
  (func (export "random_get") (param $at i32) (param $len i32) (result i32)
    (local $answer i32) (local $kept i64) (local $some i32)
    (if (call $inside) (then (return (i32.const 6)))) ;; EAGAIN
    (local.set $answer
      (select (i32.const 8) (i32.const 65528) (i32.ge_u (local.get $at) (i32.const 16))))
    (block $filled (loop $more
      (br_if $filled (i32.eqz (local.get $len)))
      (local.set $some
        (select (local.get $len) (i32.const 32768) (i32.lt_u (local.get $len) (i32.const 32768))))
      (global.set $room (local.get $at))
      (local.set $kept (i64.load (local.get $answer)))
      (call $random (local.get $some) (local.get $answer))
      (i64.store (local.get $answer) (local.get $kept))
      (local.set $at (i32.add (local.get $at) (local.get $some)))
      (local.set $len (i32.sub (local.get $len) (local.get $some)))
      (br $more)))
    (i32.const 0))

  (func (export "fd_write") (param $fd i32) (param $pieces i32) (param $count i32) (param $out i32) (result i32)
    (local $sum i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1)) (then (return (i32.const 8)))) ;; EBADF
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (if (i32.eqz (call $inside))
        (then (call $print (local.get $fd)
          (i32.load (local.get $pieces)) (i32.load offset=4 (local.get $pieces)))))
      (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 (local.get $pieces))))
      (local.set $pieces (i32.add (local.get $pieces) (i32.const 8)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))
    (i32.store (local.get $out) (local.get $sum))
    (i32.const 0))
  ;; A terminal's streams: they are written line by line, and may be written alone.
  (func (export "fd_fdstat_get") (param $fd i32) (param $out i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (i64.store (local.get $out) (i64.const 2))
    (i64.store offset=8 (local.get $out) (i64.const 64))
    (i64.store offset=16 (local.get $out) (i64.const 0))
    (i32.const 0))

  (func (export "proc_exit") (param i32) unreachable)
  (func (export "sched_yield") (result i32) (i32.const 0))
  (func (export "args_sizes_get") (param $count i32) (param $len i32) (result i32)
    (i32.store (local.get $count) (i32.const 0)) (i32.store (local.get $len) (i32.const 0)) (i32.const 0))
  (func (export "environ_sizes_get") (param $count i32) (param $len i32) (result i32)
    (i32.store (local.get $count) (i32.const 0)) (i32.store (local.get $len) (i32.const 0)) (i32.const 0))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))

  ;; There is nothing to wait for, and nobody to send a signal to: ENOSYS.
  (func (export "poll_oneoff") (param i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "proc_raise") (param i32) (result i32) (i32.const 52))

  ;; There are no files and no sockets: EBADF.
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_datasync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_renumber") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_tell") (param i32 i32) (result i32) (i32.const 8))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 8)))
