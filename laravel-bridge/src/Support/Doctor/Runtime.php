<?php

declare(strict_types=1);

namespace Fanfare\Laravel\Support\Doctor;

use Symfony\Component\Process\Exception\ExceptionInterface;
use Symfony\Component\Process\ExecutableFinder;
use Symfony\Component\Process\Process;

/**
 * The extension, in this PHP and in the one that serves the web.
 */
final class Runtime
{
    /** The oldest extension that this package was made for. */
    private const OLDEST = '0.1.0';

    private const PATIENCE = 10;

    /**
     * @return list<Finding>
     */
    public function check(): array
    {
        return [...$this->here(), ...$this->fpm()];
    }

    /**
     * @return list<Finding>
     */
    private function here(): array
    {
        $php = sprintf('PHP %s (%s)', PHP_VERSION, PHP_SAPI);

        if (! extension_loaded('fanfare')) {
            return [Finding::failure('Extension', "\"fanfare\" is not loaded in {$php}", sprintf(
                'phpize && ./configure && make && sudo make install in Fanfare\'s source, then "extension=fanfare" in a file of %s',
                php_ini_scanned_files() === false ? 'php.ini' : PHP_CONFIG_FILE_SCAN_DIR
            ))];
        }
        $version = (string) phpversion('fanfare');

        if (version_compare($version, self::OLDEST, '<')) {
            return [Finding::failure('Extension', "version {$version} is too old for this package", 'install '.self::OLDEST.' or newer')];
        }

        return [Finding::ok('Extension', "{$version} in {$php}")];
    }

    /**
     * What runs already has the extensions of its start; what would be started now is asked.
     *
     * @return list<Finding>
     */
    private function fpm(): array
    {
        $version = PHP_MAJOR_VERSION.'.'.PHP_MINOR_VERSION;
        $finder = new ExecutableFinder;
        $fpm = null;

        foreach (["php-fpm{$version}", 'php-fpm'] as $name) {
            $fpm ??= $finder->find($name, null, ['/usr/sbin', '/usr/local/sbin', dirname(PHP_BINARY)]);
        }

        if ($fpm === null) {
            return [Finding::note('PHP-FPM', 'none was found for PHP '.$version, 'for another PHP that serves the web, look for "fanfare" in phpinfo() of a page')];
        }

        try {
            $process = new Process([$fpm, '-i'], null, null, null, self::PATIENCE);
            $process->run();
            $info = $process->getOutput();
        } catch (ExceptionInterface) {
            $info = '';
        }

        if (! str_contains($info, 'PHP Version')) {
            return [Finding::note('PHP-FPM', "{$fpm} did not say which extensions it has", "{$fpm} -m | grep fanfare shows it")];
        }

        if (preg_match('/^fanfare$/m', $info) !== 1) {
            return [Finding::warning('PHP-FPM', "{$fpm} does not load the extension: pages cannot publish", "phpenmod -v {$version} -s fpm fanfare (or \"extension=fanfare\" in its configuration), then restart PHP-FPM")];
        }
        $findings = [Finding::ok('PHP-FPM', "{$fpm} loads the extension; one that was started earlier wants a restart")];

        if (preg_match('/^opcache\.enable => On/m', $info) === 1 && preg_match('/^opcache\.validate_timestamps => Off/m', $info) === 1) {
            $findings[] = Finding::note('OPcache', 'does not look at changed files (opcache.validate_timestamps=0)', 'restart PHP-FPM after each change of the configuration');
        }

        return $findings;
    }
}
