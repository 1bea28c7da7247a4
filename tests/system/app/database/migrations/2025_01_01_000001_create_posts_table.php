<?php

declare(strict_types=1);

use App\Models\User;
use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        Schema::create('posts', function (Blueprint $table): void {
            $table->id();
            $table->integer('user_id');
            $table->string('title');
            $table->timestamps();
        });

        foreach (['Ann', 'Bob', 'Zoë "Zed" O\'Neill'] as $name) {
            User::create(['name' => $name, 'email' => uniqid().'@example.com', 'password' => 'x']);
        }
    }

    public function down(): void
    {
        Schema::dropIfExists('posts');
    }
};
