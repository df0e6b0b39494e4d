<?php

declare(strict_types=1);

namespace Sioemit\Tests;

/**
 * php-fpm, with workers that stay, on a unix socket.
 */
final class FpmServer
{
    /** @var resource */
    private $process;
    private readonly string $directory;

    /**
     * @param string $script that it runs, a whole file, which finds the tests' bootstrap.php in BOOTSTRAP
     */
    public function __construct(string $script, int $workers)
    {
        $this->directory = sys_get_temp_dir() . '/sioemit-php-fpm-' . getmypid();
        mkdir($this->directory);
        file_put_contents("$this->directory/script.php", $script);
        $bootstrap = __DIR__ . '/bootstrap.php';
        $isRoot = posix_geteuid() === 0;
        file_put_contents("$this->directory/fpm.conf", <<<CONF
            [global]
            error_log = $this->directory/log
            daemonize = no
            [www]
            listen = $this->directory/socket
            pm = static
            pm.max_children = $workers
            catch_workers_output = yes
            env[BOOTSTRAP] = $bootstrap
            CONF . ($isRoot ? "\nuser = root\ngroup = root\n" : "\n"));
        $log = ['file', "$this->directory/log", 'a'];
        $program = self::program() ?? throw new \RuntimeException('the tests need php-fpm: apt-get install php-fpm');
        $words = [$program, '--nodaemonize', '--fpm-config', "$this->directory/fpm.conf"];
        $process = proc_open([...$words, ...$isRoot ? ['--allow-to-run-as-root'] : []], [1 => $log, 2 => $log], $pipes);
        $this->process = $process;
        RedisServer::waitFor(fn () => file_exists("$this->directory/socket"), 'php-fpm listens', function () {
            if (!proc_get_status($this->process)['running']) {
                throw new \RuntimeException('php-fpm ended: ' . file_get_contents("$this->directory/log"));
            }
        });
    }

    /**
     * Returns the program of the same version as this PHP.
     */
    public static function program(): ?string
    {
        foreach (['/usr/sbin', '/usr/local/sbin', PHP_BINDIR] as $directory) {
            foreach (['php-fpm' . PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION, 'php-fpm'] as $name) {
                if (is_executable("$directory/$name")) {
                    return "$directory/$name";
                }
            }
        }
        return null;
    }

    /**
     * @param array<string, mixed> $query
     */
    public function request(array $query): FastCgi
    {
        return new FastCgi("$this->directory/socket", "$this->directory/script.php", $query);
    }

    public function stop(): void
    {
        proc_terminate($this->process);
        proc_close($this->process);
        array_map(unlink(...), (array) glob("$this->directory/*"));
        rmdir($this->directory);
    }
}
