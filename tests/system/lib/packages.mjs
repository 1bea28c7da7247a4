// Packages of Packagist that some tests lay into their application; one list, so that Composer makes one application of it.
export const auth = ['pusher/pusher-php-server:^7.2', 'laravel/sanctum:^4.3', 'firebase/php-jwt:^7.0'];
