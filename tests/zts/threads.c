/*
 * Runs a PHP script in several threads of one process at the same time, as FrankenPHP and other
 * servers with threads do: each has an engine of its own, several requests one after the other, and
 * ends while the others go on.
 *
 *     threads THREADS REQUESTS SCRIPT SOCKET
 *
 * $PHPRC is a folder with a php.ini that loads the extension. The script finds $thread, $request
 * and $socket, and ends with a status other than 0 if something is wrong. Between the last request
 * and the ends of the threads the process has one connection to SOCKET for each thread, and none
 * after them.
 */
#include <sapi/embed/php_embed.h>

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MAX_THREADS 64
#define MAX_FDS     1024

ZEND_TSRMLS_CACHE_DEFINE()

static struct {
    int threads, requests;
    const char *script, *socket;
    pthread_barrier_t idle; /* no request runs */
} run;

static struct thread {
    pthread_t id;
    int number, failed;
} threads[MAX_THREADS];

static int threads_connections(void)
{
    int n = 0;

    for (int fd = 0; fd < MAX_FDS; fd++) {
        struct sockaddr_un peer;
        socklen_t len = sizeof(peer);

        memset(&peer, 0, sizeof(peer));
        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && peer.sun_family == AF_UNIX &&
            strcmp(peer.sun_path, run.socket) == 0) {
            n++;
        }
    }
    return n;
}

static void threads_variable(const char *name, const char *text)
{
    zval value;

    ZVAL_STRING(&value, text);
    zend_hash_str_update(&EG(symbol_table), name, strlen(name), &value);
}

static int threads_request(int thread, int request)
{
    zend_file_handle file;
    char number[16];
    int status;

    if (php_request_startup() != SUCCESS) {
        fprintf(stderr, "thread %d: the request does not start\n", thread);
        return 1;
    }
    SG(headers_sent) = 1;
    SG(request_info).no_headers = 1;
    snprintf(number, sizeof(number), "%d", thread);
    threads_variable("thread", number);
    snprintf(number, sizeof(number), "%d", request);
    threads_variable("request", number);
    threads_variable("socket", run.socket);
    zend_stream_init_filename(&file, run.script);
    zend_first_try
    {
        php_execute_script(&file);
    }
    zend_end_try();
    zend_destroy_file_handle(&file);
    status = EG(exit_status);
    php_request_shutdown(NULL);
    return status != 0;
}

static void *threads_run(void *arg)
{
    struct thread *thread = arg;

    (void)ts_resource(0);
    ZEND_TSRMLS_CACHE_UPDATE();
    for (int i = 0; i < run.requests; i++) {
        thread->failed += threads_request(thread->number, i);
    }
    pthread_barrier_wait(&run.idle); /* main counts */
    pthread_barrier_wait(&run.idle);
    ts_free_thread();
    return NULL;
}

int main(int argc, char **argv)
{
    int failed = 0, during, after;

    if (argc != 5 || (run.threads = atoi(argv[1])) < 1 || run.threads > MAX_THREADS) {
        fprintf(stderr, "usage: threads THREADS REQUESTS SCRIPT SOCKET\n");
        return 2;
    }
    run.requests = atoi(argv[2]);
    run.script = argv[3];
    run.socket = argv[4];
    pthread_barrier_init(&run.idle, NULL, (unsigned int)run.threads + 1);
    if (php_embed_init(0, NULL) != SUCCESS) {
        fprintf(stderr, "PHP does not start\n");
        return 1;
    }
    for (int i = 0; i < run.threads; i++) {
        threads[i].number = i;
        if (pthread_create(&threads[i].id, NULL, threads_run, &threads[i]) != 0) {
            fprintf(stderr, "no thread\n");
            return 1;
        }
    }
    pthread_barrier_wait(&run.idle);
    during = threads_connections();
    pthread_barrier_wait(&run.idle);
    for (int i = 0; i < run.threads; i++) {
        pthread_join(threads[i].id, NULL);
        failed += threads[i].failed;
    }
    after = threads_connections();
    php_embed_shutdown();
    pthread_barrier_destroy(&run.idle);
    printf("%d threads, %d requests, %d failed, %d connections before and %d after the ends of the "
           "threads\n",
           run.threads, run.threads * run.requests, failed, during, after);
    return failed == 0 && during == run.threads && after == 0 ? 0 : 1;
}
